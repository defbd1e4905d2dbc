// File -> Model: header, config, program, weights, checks, in this order. Reads the header and a few rows; weights stay
// in the file until an executor asks.
import { parseGguf } from './formats/gguf.ts';
import { GgufWeights } from './formats/gguf-weights.ts';
import type { ByteSource } from './io/byte-source.ts';
import { openFile } from './io/open-file.ts';
import { sha256Source } from './io/sha256.ts';
import type { Model, ModelTransform, Notice } from './model.ts';
import { compileProgram } from './program/architectures.ts';
import { checkWeights } from './program/check-weights.ts';
import { configFromGguf } from './program/config-from-gguf.ts';
import { inspectEmbedding } from './program/inspect-embedding.ts';
import { unreadTensors } from './program/unread-tensors.ts';
import { createTextModel } from './text/create-text-model.ts';
import type { TextModel } from './text/text-model.ts';

export interface OpenModelOptions {
  /** Planted faults; each hook sees what the file said and answers what the product is to believe. */
  transform?: ModelTransform;
  /** Called once per notice, in order; the same notices are in the model. */
  onNotice?: (notice: Notice) => void;
}

/**
 * Opens a model file.
 *
 * @throws RefuteError as openFile, parseGguf, configFromGguf, checkWeights and unreadTensors do
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  return openModelSource(await openFile(path), options);
}

/** As `openModel`, from bytes that are open already. The model owns the source from here on, also when this throws. */
export async function openModelSource(source: ByteSource, options: OpenModelOptions = {}): Promise<Model> {
  try {
    return await readModel(source, options);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readModel(source: ByteSource, { transform = {}, onNotice }: OpenModelOptions): Promise<Model> {
  const { path, byteLength } = source;
  const file = await parseGguf(source);
  const notices: Notice[] = [];
  if (file.brokenStringCount > 0) {
    const message = `${file.brokenStringCount} metadata strings are not UTF-8; their bad bytes were read as U+FFFD.`;
    notices.push({ severity: 'warning', code: 'METADATA-UTF8', message });
  }

  const read = configFromGguf({ path, metadata: file.metadata, tensors: file.tensors });
  notices.push(...read.notices);
  const config = transform.config?.(read.config) ?? read.config;
  const compiled = compileProgram(config);
  const program = transform.program?.(compiled) ?? compiled;
  const stored = new GgufWeights(source, file.tensors);
  const checked = checkWeights(path, program, transform.weights?.(stored) ?? stored);
  notices.push(...checked.notices);
  // Asked of the file's own program: a planted fault that forgets a bias must reach the run.
  const names = file.tensors.map(({ name }) => name);
  notices.push(...unreadTensors(path, compileProgram(read.config), names));
  const text = createTextModel(file.metadata, (notice) => notices.push(notice));
  const inspected = await inspectEmbedding(path, program, checked.weights, {
    tokenCount: text.vocabSize,
    firstTokenType: firstElement(file.metadata.get('tokenizer.ggml.token_type')),
  });
  notices.push(...inspected.notices);
  for (const notice of notices) onNotice?.(notice);

  let sha256: Promise<string> | undefined;
  return {
    path,
    format: 'gguf',
    byteLength,
    config,
    program,
    weights: checked.weights,
    embedding: inspected.embedding,
    tensors: file.tensors,
    metadata: file.metadata,
    notices,
    text: transform.tokens === undefined ? text : withTokens(text, transform),
    sha256: () => (sha256 ??= sha256Source(source)),
    close: () => source.close(),
  };
}

function firstElement(list: unknown): unknown {
  return Array.isArray(list) ? (list[0] as unknown) : undefined;
}

/** `text` with every encoded prompt changed; everything else, private state included, stays the original's. */
function withTokens(text: TextModel, transform: ModelTransform): TextModel {
  return new Proxy(text, {
    get(target, name): unknown {
      if (name === 'encode') {
        return (...args: Parameters<TextModel['encode']>) => {
          const tokens = target.encode(...args);
          return transform.tokens?.(tokens) ?? tokens;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
