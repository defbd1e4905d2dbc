// Somebody else's engine behind one seam: asked for what it makes of token ids, it answers with logits or with the
// likeliest tokens of each position. llama.cpp, a command, an HTTP endpoint; a recorded pack is pack-engine.ts.
import { ropeByLength } from '../../engine/config/rope-scaling.ts';
import { sha256Bytes } from '../../engine/io/sha256.ts';
import type { Model } from '../../engine/model/model.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import { CommandEngine, HttpEndpoint, llamaCppContextLength, loadLlamaCpp } from '../../oracles/external/index.ts';
import type { CommandOptions, HttpEndpointOptions } from '../../oracles/external/index.ts';
import { RefuteError } from '../../errors.ts';
import { LLAMA_CPP } from '../reference/profiles.ts';
import type { Alternative } from './compare.ts';
import { packAnswer } from './pack-engine.ts';
import { tokensByText } from './tokens-by-text.ts';

export type Answer =
  /** Of the last `rowCount` positions: [rowCount, vocabulary]. */
  | { kind: 'logits'; logits: Float32Array | Float64Array; rowCount: number }
  /** Of every position, best first. */
  | { kind: 'alternatives'; rows: Alternative[][] };

export interface OutsideEngine {
  kind: 'llama-cpp' | 'command' | 'http' | 'pack';
  /** One of them holds; narrowest first. Where there are several, its answer tells which. */
  profiles: readonly NumericProfile[];
  /** False where what it ran may be other weights: then a difference proves nothing. */
  hasSameWeights: boolean;
  /** A record has its own ids; null: it takes any. */
  tokens: readonly number[] | null;
  ask(tokens: readonly number[], onProgress?: (done: number, total: number) => void): Promise<Answer>;
  /** After `ask`: with the digest of what it gave. */
  identity(): { name: string; version: string; digest: string };
  close(): Promise<void>;
}

/**
 * @throws RefuteError (all decline) E_ORACLE_MISSING where the package is absent or not loaded, E_ORACLE_MODEL where
 *   llama.cpp does not open this model, E_ORACLE_FREQUENCIES where it would rotate by other factors
 */
export async function openLlamaCpp(model: Model, contextLength: number): Promise<OutsideEngine> {
  assertSameFrequencies(model, contextLength);
  const loaded = await loadLlamaCpp();
  if (!loaded.available) {
    const next = 'Compare with a pack (--pack), a command or an endpoint instead';
    throw new RefuteError({ code: 'E_ORACLE_MISSING', place: '--llama-cpp', is: loaded.reason, next }, 2);
  }
  const { llama } = loaded;
  const opened = await llama
    .openModel(model.entryPath, { contextLength, kvCache: 'f32' })
    .catch(async (cause: unknown) => {
      await llama.close();
      const is = `llama.cpp does not open it: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new RefuteError({ code: 'E_ORACLE_MODEL', place: model.path, is, cause }, 2);
    });
  let digest = '';
  return {
    kind: 'llama-cpp',
    profiles: LLAMA_CPP,
    hasSameWeights: true,
    tokens: null,
    ask: async (tokens) => {
      if (opened.vocabSize !== model.program.vocabSize) {
        const is = `it has ${opened.vocabSize} tokens, this program ${model.program.vocabSize}`;
        throw new RefuteError({ code: 'E_ORACLE_VOCABULARY', place: 'llama.cpp', is });
      }
      const logits = await opened.logits(tokens);
      digest = await digestOf(logits);
      return { kind: 'logits', logits, rowCount: tokens.length };
    },
    identity: () => ({ name: llama.name, version: llama.version, digest }),
    close: async () => {
      await opened.close();
      await llama.close();
    },
  };
}

function assertSameFrequencies({ path, program }: Model, contextLength: number): void {
  const ours = ropeByLength(program, contextLength);
  if (ours?.type !== 'longrope') return;
  const { originalContextLength } = ours;
  const theirs = llamaCppContextLength(contextLength);
  if (ours.isBeyond || theirs <= originalContextLength) return;
  const is = `for ${contextLength} positions llama.cpp opens ${theirs} and takes the long rope factors, a session here the short ones`;
  const allowed = `more than ${originalContextLength} tokens are compared like for like`;
  throw new RefuteError({ code: 'E_ORACLE_FREQUENCIES', place: path, is, allowed }, 2);
}

/** What it prints, or the capture that it writes. */
export function openCommand(model: Model, options: CommandOptions, profile: NumericProfile): OutsideEngine {
  const command = new CommandEngine(options);
  const { vocabSize } = model.program;
  return {
    kind: 'command',
    profiles: [profile],
    hasSameWeights: true,
    tokens: null,
    ask: async (tokens) => {
      const answer = await command.ask({ modelPath: model.entryPath, tokens, vocabSize });
      if ('logits' in answer) return { kind: 'logits', ...answer };
      return { kind: 'logits', ...(await packAnswer(answer.folder, model, tokens)) };
    },
    identity: () => command.identity(),
    close: () => command.close(),
  };
}

/** One request per position: the ids up to it, and the likeliest next tokens. */
export function openEndpoint(
  model: Model,
  options: HttpEndpointOptions & { alternatives: number },
  profile: NumericProfile,
): OutsideEngine {
  const endpoint = new HttpEndpoint(options);
  return {
    kind: 'http',
    profiles: [profile],
    hasSameWeights: true,
    tokens: null,
    ask: async (tokens, onProgress) => {
      const idOf = tokensByText(model.text);
      const rows: Alternative[][] = [];
      for (let end = 1; end <= tokens.length; end += 1) {
        const { alternatives } = options;
        const answer = await endpoint.complete({ prompt: tokens.slice(0, end), maxTokens: 1, alternatives });
        const [next] = answer.tokens;
        // An engine that ends here may say so without a token: nothing is compared then.
        const given = next === undefined ? [] : next.alternatives.length > 0 ? next.alternatives : [next];
        rows.push(given.map(({ text, logProbability }) => ({ id: idOf(text), text, logProbability })));
        onProgress?.(end, tokens.length);
      }
      return { kind: 'alternatives', rows };
    },
    identity: () => endpoint.identity(),
    close: async () => undefined,
  };
}

async function digestOf({ buffer, byteOffset, byteLength }: Float32Array): Promise<string> {
  return sha256Bytes(new Uint8Array(buffer, byteOffset, byteLength));
}
