// Tries to find a key that changes a forward pass and is passed over: in config.json keys of other families, under any
// name that speaks of one; in GGUF files whatever llama.cpp answers otherwise to. And a harmless key that is not let be.
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RefuteError } from '../../src/errors.ts';
import type { Model } from '../../src/engine/model/model.ts';
import { loadLlamaCpp, type LlamaCppAvailability } from '../../src/oracles/external/llama-cpp.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import type { GgufValue } from '../kit/models/gguf-bytes.ts';
import { TINY_TOKENS, tinyGgufBytes } from '../kit/models/tiny-gguf.ts';
import { divergenceFrom, llamaCppLogits } from '../kit/oracles/llama-cpp-divergence.ts';
import { plants } from '../kit/claims/plants.ts';
import { HfFolders } from './hf-folders.ts';
import { GGUF_KEYS, GGUF_MODELS, keyCases, nested, PATTERNS, type KeyCase } from './keys.ts';

type Opened = { model: Model } | { refusal: RefuteError };

async function opened(context: PartContext, path: string): Promise<Opened> {
  try {
    return { model: await context.openModel(path) };
  } catch (error) {
    if (error instanceof RefuteError) return { refusal: error };
    throw error;
  }
}

/** 0 where a harmless key is let be, and any other is refused with its name or makes another program. */
async function countPassedOver(context: PartContext, folders: HfFolders, { model, key, isHarmless }: KeyCase) {
  const source = `models/tiny/${model}/hf`;
  const own = JSON.parse(await readFile(context.data(`${source}/config.json`), 'utf8')) as Record<string, unknown>;
  const found = await opened(context, await folders.write(source, nested(key, own)));
  if ('refusal' in found) {
    const isNamed = found.refusal.message.includes(key[0].split('.').at(-1) ?? '');
    return !isHarmless && (isNamed || found.refusal.code !== 'E_CONFIG_UNSUPPORTED') ? 0 : 1;
  }
  const { program, notices } = found.model;
  await found.model.close();
  if (isHarmless) return notices.some(({ code }) => code.startsWith('CONFIG-')) ? 1 : 0;
  const plain = await context.openModel(context.data(`${source}/model.safetensors`));
  const isSame = JSON.stringify(plain.program) === JSON.stringify(program);
  await plain.close();
  return isSame ? 1 : 0;
}

/** Two float32 evaluations of one formula, with llama.cpp's table of GELU. */
const MAX_KL = 2e-7;

/** 0 where the file is refused, or llama.cpp's logits are ours, or a notice says that they are not. */
async function countDifferent(
  context: PartContext,
  loaded: LlamaCppAvailability,
  file: { name: string; key: string; value: GgufValue },
): Promise<number> {
  // Of its own: llama.cpp maps the file that it has open.
  const path = join(context.folder, `${randomUUID()}.gguf`);
  const source = context.data(`models/tiny/${file.name}/model.gguf`);
  await writeFile(path, await tinyGgufBytes(source, { [file.key]: file.value }));
  const found = await opened(context, path);
  if ('refusal' in found) {
    context.output(found.refusal.code);
    return 0;
  }
  try {
    if (found.model.notices.some(({ code }) => code === 'SLIDING-WINDOW' || code === 'EXPERT-NORM')) return 0;
    const theirs = await llamaCppLogits(loaded, path, TINY_TOKENS);
    const kl = await divergenceFrom(theirs, found.model, TINY_TOKENS);
    return kl <= MAX_KL ? 0 : 1;
  } finally {
    await found.model.close();
    await rm(path);
  }
}

async function againstLlamaCpp(context: PartContext): Promise<void> {
  const loaded = await loadLlamaCpp();
  if (!loaded.available) throw new Error(loaded.reason);
  for (const [name, value] of PATTERNS) {
    const key = 'attention.sliding_window_pattern';
    context.measure(await countDifferent(context, loaded, { name, key, value }), `${name}: ${JSON.stringify(value)}`);
  }
  for (const name of GGUF_MODELS) {
    for (const { key, value } of GGUF_KEYS) {
      const where = `${name}: ${key} = ${JSON.stringify(value)}`;
      context.measure(await countDifferent(context, loaded, { name, key, value }), where);
    }
  }
  const digest = createHash('sha256').update(JSON.stringify(GGUF_KEYS)).digest('hex');
  context.oracle({ name: loaded.llama.name, version: loaded.llama.version, digest });
  await loaded.llama.close();
}

export const keyClaim: Falsifier = {
  parts: {
    generated: {
      planned: 400,
      run: async (context) => {
        const folders = new HfFolders(context);
        await context.search(keyCases, context.planned, (one) => countPassedOver(context, folders, one));
      },
    },
    live: {
      needs: ['model:sums-2m'],
      planned: 2,
      run: async (context) => {
        context.model('model:sums-2m', 'sums-2m.f16.gguf');
        const folders = new HfFolders(context);
        const changed = await folders.write('models/sums-2m/hf', { attention_multiplier: 0.5 });
        const run = await context.program('apr', [
          'run',
          changed,
          '--tokens',
          '1,5,9',
          '--max-tokens',
          '1',
          '--no-gpu',
        ]);
        const isRefused = run.exitCode === 3 && run.stderr.includes('attention_multiplier is 0.5');
        context.output(String(isRefused));
        context.measure(isRefused ? 0 : 1, 'apr run refuses a key that would change the scores, by name');
        const harmless = await folders.write('models/sums-2m/hf', {
          use_mrope: false,
          rotary_pct: 1,
          unsloth_fixed: true,
        });
        const shown = await context.program('apr', ['inspect', harmless]);
        const isLetBe = shown.exitCode === 0 && !/CONFIG-/.test(shown.stdout + shown.stderr);
        context.output(String(isLetBe));
        context.measure(isLetBe ? 0 : 1, 'apr inspect says nothing of keys that change nothing');
      },
    },
    oracle: {
      needs: ['oracle:llama.cpp'],
      planned: PATTERNS.length + GGUF_MODELS.length * GGUF_KEYS.length,
      run: againstLlamaCpp,
    },
  },
  faults: plants`
    src/engine/config/unread-keys.ts
    gross archconf-key-noted: a key that changes the forward pass is a note
    - (speaksOfPass(inWords(key), value) ? refused : unknown).push(key);
    + unknown.push(key);
    small archconf-key-camel: words of a name are told apart by underscores alone
    - return key.replaceAll(/(?<=[a-z\\d])(?=[A-Z])/g, '_').toLowerCase();
    + return key.toLowerCase();
    small archconf-key-zero: a list that names layer 0 counts as switched off
    - return value.every((one) => one === false || one === null);
    + return value.every((one) => isOff(one));
    small archconf-other-word: another word for a number may be off by half
    - 1e-6 * Math.abs(meant)
    + 0.5 * Math.abs(meant)
    src/engine/config/window-from-gguf.ts
    gross archconf-pattern-ignored in oracle: which layers have a window goes by the architecture alone
    -   if (stated === undefined) {
    +   if (stated !== null) {
    small archconf-pattern-inverted in oracle: a list of numbers says the layers without a window
    - Number(hasWindow) > 0 ? [] : [layer]
    + hasWindow !== 0 && hasWindow !== false && hasWindow !== 2 ? [] : [layer]
    src/engine/config/gguf-keys.ts
    small archconf-gguf-causal in oracle: whether attention is causal is not asked
    - 'attention.causal': [true],
    + 'attention.causal': [true, false],
  `,
};
