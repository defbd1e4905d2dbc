// Measures of what the stage files of `apr trace --save-tensor` hold, bit by bit: the same twice, the decoded rows of the
// embedding, headers that describe themselves, the logits.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseGguf } from '../../src/engine/formats/gguf.ts';
import { MemoryByteSource } from '../../src/engine/io/byte-source.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { indexOfLargest } from '../kit/judges/comparisons.ts';
import { runTapped, withEngines } from '../kit/claims/engine-runs.ts';
import { BUNDLED_SHAPE, expectedFiles, EXPECTED_STAGES } from './expected-stages.ts';
import { readPackManifest, readPackStage, type PackManifest } from '../kit/models/packs.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { orNaN } from '../kit/judges/refusals.ts';
import { byteLengthOf, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { dequantizeExact } from '../../src/oracles/float64/dequantize/dequantize-exact.ts';
import { TINY_VARIANT_COUNT, tinyShape, type TinyModel } from '../kit/models/tiny-model.ts';
import {
  captureHere,
  countDifferingBytes,
  elementFloats,
  elementWords,
  shapeOf,
  stageFiles,
  traceProgram,
} from './captures.ts';
import { Q4_K, selections, tokenLists, type SelectionInput } from './selection.ts';

export const F16 = 'sums-2m.f16.gguf';
const LAYERS = [0, 1, 2, 3];
/** Files of the bundled model with every stage. */
export const ALL_FILES: number = expectedFiles(BUNDLED_SHAPE, 1, Object.keys(EXPECTED_STAGES), LAYERS).size;
/** "What is 2+2?" through the chat template of the bundled model. */
export const QUESTION: readonly number[] = [766, 266, 198, 272, 269, 220, 17, 10, 17, 30, 767, 198, 766, 265, 198];

/** Searched selections, captured twice by two executors: bytes that differ, in any file. */
export async function searchRepetitions(context: PartContext, planned: number): Promise<void> {
  await withEngines(context, (engines) =>
    context.search(selections, planned, ({ variant, tokens, text, layers }: SelectionInput) =>
      orNaN(async () => {
        const model = await engines.tiny(variant, 0);
        const folders: string[] = [];
        for (const chunkPositions of [64, 3]) {
          const executor = await engines.executor(model, { chunkPositions });
          // lm_head is always among them, so that no selection is empty.
          folders.push(await captureHere(context, model, executor, { tokens, stages: `${text},lm_head`, layers }));
        }
        return countDifferences(folders as [string, string]);
      }),
    ),
  );
}

async function countDifferences([a, b]: [string, string]): Promise<number> {
  const [left, right] = [await stageFiles(a), await stageFiles(b)];
  let differences = left.size === right.size && left.size > 0 ? 0 : 1;
  for (const [path, bytes] of left) differences += countDifferingBytes(bytes, right.get(path));
  const [before = '', after = ''] = await Promise.all(
    [a, b].map((folder) => readFile(join(folder, 'manifest.json'), 'utf8')),
  );
  // What was asked for, and nothing else, may stand otherwise in the second.
  const asked = before.replace('"chunkPositions": 64', '"chunkPositions": 3');
  return differences + countDifferingBytes(Buffer.from(asked), Buffer.from(after));
}

/** Two runs of the real program with every stage; one case per file, and one for the manifests. */
export async function measureTwoRuns(context: PartContext): Promise<void> {
  const model = context.model('model:sums-2m', Q4_K);
  const first = await traceProgram(context, model, QUESTION, ['--save-tensor', 'all']);
  const second = await traceProgram(context, model, QUESTION, ['--save-tensor', 'all']);
  const [left, right] = [await stageFiles(first.folder), await stageFiles(second.folder)];
  for (const path of expectedFiles(BUNDLED_SHAPE, QUESTION.length, Object.keys(EXPECTED_STAGES), LAYERS).keys()) {
    context.measure(countDifferingBytes(left.get(path), right.get(path)), path);
    context.output(left.get(path) ?? '');
  }
  const manifests = await Promise.all([first, second].map(({ folder }) => readFile(join(folder, 'manifest.json'))));
  context.measure(countDifferingBytes(manifests[0], manifests[1]), 'manifest.json');
}

const MATRIX_TYPES = ['f32', 'f16', 'q8_0', 'q4_0', 'q4_1', 'q5_0'] as const satisfies TensorTypeName[];

/** One model in two formats: the embedding stage of each is the exact decode of its own stored rows. */
export async function searchFormats(context: PartContext, planned: number): Promise<void> {
  const pairs = fc.record({
    a: fc.constantFrom(...MATRIX_TYPES),
    b: fc.constantFrom(...MATRIX_TYPES),
    tokens: tokenLists,
  });
  await withEngines(context, (engines) =>
    context.search(pairs, planned, async ({ a, b, tokens }) => {
      let differences = 0;
      for (const matrixType of [a, b]) {
        const source = engines.tinySource(0, 0, { matrixType });
        const model = await engines.fromTiny(source);
        const executor = await engines.executor(model);
        const folder = await captureHere(context, model, executor, { tokens, stages: 'embedding', layers: [0] });
        const found = (await stageFiles(folder)).get('layer-0/embedding.bin');
        differences += countWrongWords(found, storedRows(source, matrixType, tokens));
      }
      return differences;
    }),
  );
}

function storedRows({ tensors, shape }: TinyModel, type: TensorTypeName, tokens: readonly number[]): Float64Array[] {
  const bytes = tensors.find(({ name }) => name === 'token_embd.weight')?.bytes ?? new Uint8Array(0);
  const rowBytes = byteLengthOf(type, shape.modelDim);
  return tokens.map((token) => dequantizeExact(type, bytes.subarray(token * rowBytes, (token + 1) * rowBytes)));
}

function countWrongWords(file: Uint8Array | undefined, rows: readonly Float64Array[]): number {
  const expected = new Uint32Array(Float32Array.from(rows.flatMap((row) => [...row])).buffer);
  if (file === undefined) return expected.length;
  const words = elementWords(file);
  if (words.length !== expected.length) return Math.max(words.length, expected.length);
  return words.filter((word, i) => word !== expected[i]).length;
}

export const FORMAT_CASES = 4;

/** The bundled model in F16 and Q4_K_M, through `apr trace` and `apr diff`. */
export async function measureFormats(context: PartContext): Promise<void> {
  const random = new SeededRandom(context.seed);
  const tokens = Array.from({ length: 24 }, () => random.below(BUNDLED_SHAPE.vocabSize));
  const folders: string[] = [];
  for (const file of [F16, Q4_K]) {
    const path = context.model('model:sums-2m', file);
    const { folder } = await traceProgram(context, path, tokens, ['--save-tensor', 'embedding']);
    folders.push(folder);
    const bytes = new Uint8Array(await readFile(path));
    const embedding = (await parseGguf(new MemoryByteSource(bytes))).tensors.find(
      ({ name }) => name === 'token_embd.weight',
    );
    const type = embedding?.type ?? 'f32';
    const rowBytes = byteLengthOf(type, BUNDLED_SHAPE.modelDim);
    const start = embedding?.byteOffset ?? 0;
    const rows = tokens.map((token) =>
      dequantizeExact(type, bytes.subarray(start + token * rowBytes, start + (token + 1) * rowBytes)),
    );
    const found = (await stageFiles(folder)).get('layer-0/embedding.bin');
    context.measure(countWrongWords(found, rows), `${file}: embedding, ${tokens.length} rows of ${type}`);
    context.output(found ?? '');
  }
  const same = await context.program('apr', ['diff', ...folders, '--json']);
  const report = JSON.parse(same.stdout) as {
    verdict: string;
    refusals: string[];
    stages: { cosine: number | null }[];
  };
  const isCompared = same.exitCode === 1 && report.verdict === 'differ' && report.refusals.length === 0;
  const isExplained = report.stages.length === 1 && report.stages.every(({ cosine }) => cosine !== null && cosine <= 1);
  context.measure(isCompared && isExplained ? 0 : 1, `apr diff F16 Q4_K_M: exit ${same.exitCode}, ${report.verdict}`);
  const other = await traceProgram(context, context.model('model:sums-2m', Q4_K), tokens.slice(1), [
    '--save-tensor',
    'embedding',
  ]);
  const refused = await context.program('apr', ['diff', folders[0] ?? '', other.folder, '--json']);
  context.measure(refused.exitCode === 2 ? 0 : 1, `apr diff on other tokens: exit ${refused.exitCode}`);
}

const PROMPTS = ['chat-addition', 'raw-sum', 'spell-backwards', 'two-turns', 'unicode'];
export const PACK_PROMPTS: number = PROMPTS.length;

/** The same tokens as a pack, captured here: what the pack's own file must equal. */
async function onPack(
  context: PartContext,
  stages: string,
  measure: (files: Map<string, Uint8Array>, manifest: PackManifest, folder: string, prompt: string) => Promise<void>,
  prompts: readonly string[] = PROMPTS,
): Promise<void> {
  await withEngines(context, async (engines) => {
    const model = await engines.bundled(F16);
    const executor = await engines.executor(model);
    for (const prompt of prompts) {
      const folder = `models/sums-2m/packs/float64/${prompt}`;
      const manifest = await readPackManifest(context, folder);
      const capture = await captureHere(context, model, executor, { tokens: manifest.tokens, stages });
      await measure(await stageFiles(capture), manifest, folder, prompt);
    }
  });
}

/** float16 rows widen exactly, so here even another implementation's bits are the same. */
export function measurePackEmbeddings(context: PartContext): Promise<void> {
  return onPack(context, 'embedding', async (files, manifest, folder, prompt) => {
    const theirs = await readPackStage(context, folder, manifest, 'layer-0/embedding.bin');
    const rows = [Float64Array.from(theirs)];
    context.measure(countWrongWords(files.get('layer-0/embedding.bin'), rows), `${prompt}: embedding against the pack`);
  });
}

/** Headers and lengths of every captured file, by the format's own rule. */
export async function searchHeaders(context: PartContext, planned: number): Promise<void> {
  await withEngines(context, (engines) =>
    context.search(selections, planned, ({ variant, tokens, text, layers }) =>
      orNaN(async () => {
        const source = engines.tinySource(variant, 0);
        const model = await engines.fromTiny(source);
        const executor = await engines.executor(model);
        const folder = await captureHere(context, model, executor, { tokens, stages: `${text},final_norm`, layers });
        const names = [...Object.keys(EXPECTED_STAGES), 'layer_output'];
        const expected = expectedFiles(shapeOf(source), tokens.length, names, LAYERS);
        return countWrongHeaders(await stageFiles(folder), expected);
      }),
    ),
  );
}

function countWrongHeaders(files: ReadonlyMap<string, Uint8Array>, expected: ReadonlyMap<string, number>): number {
  let wrong = files.size === 0 ? 1 : 0;
  for (const [path, bytes] of files) wrong += countWrongHeader(path, bytes, expected.get(path) ?? -1);
  return wrong;
}

function countWrongHeader(path: string, bytes: Uint8Array | undefined, elementCount: number): number {
  if (bytes === undefined || bytes.length < 12) return 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layer = /^layer-(\d+)\//.exec(path)?.[1];
  const facts = [
    String.fromCharCode(...bytes.subarray(0, 4)) === 'APRT',
    view.getUint32(4, true) === (layer === undefined ? 0xffffffff : Number(layer)),
    view.getUint32(8, true) === elementCount,
    bytes.length === 12 + 4 * elementCount,
  ];
  return facts.filter((isRight) => !isRight).length;
}

/** Every file of one run of the real program. */
export async function measureHeaders(context: PartContext): Promise<void> {
  const { folder } = await traceProgram(context, context.model('model:sums-2m', Q4_K), QUESTION, [
    '--save-tensor',
    'all',
  ]);
  const files = await stageFiles(folder);
  for (const [path, count] of expectedFiles(BUNDLED_SHAPE, QUESTION.length, Object.keys(EXPECTED_STAGES), LAYERS)) {
    context.measure(countWrongHeader(path, files.get(path), count), path);
  }
}

/** The first twelve bytes and the length, against a file that Python wrote for the same stage. */
export function measurePackHeaders(context: PartContext): Promise<void> {
  return onPack(
    context,
    'all',
    async (files, manifest, folder) => {
      for (const path of Object.keys(manifest.files)) {
        const theirs = new Uint8Array(await readFile(context.data(`${folder}/${path}`)));
        const ours = files.get(path);
        const isSameLength = ours?.length === theirs.length;
        context.measure(
          (isSameLength ? 0 : 1) + countDifferingBytes(ours?.subarray(0, 12), theirs.subarray(0, 12)),
          path,
        );
      }
    },
    ['raw-sum'],
  );
}

/** Searched prompts: the file's bits are the logits of a run without taps, and the file is at the root or absent. */
export async function searchHeads(context: PartContext, planned: number): Promise<void> {
  const inputs = fc.record({ variant: fc.nat(TINY_VARIANT_COUNT - 1), tokens: tokenLists, isWanted: fc.boolean() });
  await withEngines(context, (engines) =>
    context.search(inputs, planned, ({ variant, tokens, isWanted }) =>
      orNaN(async () => {
        const model = await engines.tiny(variant, 0);
        const executor = await engines.executor(model);
        const stages = isWanted ? 'attn_norm,lm_head' : 'attn_norm';
        const files = await stageFiles(await captureHere(context, model, executor, { tokens, stages, layers: [0] }));
        const { logits } = await runTapped(executor, { tokens, logits: 'all' });
        return countWrongHead(files, isWanted ? logits : null, tinyShape(variant).layerCount);
      }),
    ),
  );
}

function countWrongHead(
  files: ReadonlyMap<string, Uint8Array>,
  logits: Float32Array | null,
  layerCount: number,
): number {
  const misplaced = Array.from({ length: layerCount }, (_, i) => `layer-${i}/lm_head.bin`).filter((path) =>
    files.has(path),
  );
  const file = files.get('lm_head.bin');
  if (logits === null) return misplaced.length + (file === undefined ? 0 : 1);
  if (file === undefined) return misplaced.length + logits.length;
  const words = new Uint32Array(logits.buffer, logits.byteOffset, logits.length);
  const found = elementWords(file);
  const isWholeModel = [4, 5, 6, 7].every((at) => file[at] === 0xff);
  return misplaced.length + (isWholeModel ? 0 : 1) + words.filter((word, i) => word !== found[i]).length;
}

export const HEAD_CASES = 3;

/** The real program on the trained model, in both files, against logits of a run without taps in this process. */
export async function measureHead(context: PartContext): Promise<void> {
  await withEngines(context, async (engines) => {
    for (const name of [F16, Q4_K]) {
      const path = context.model('model:sums-2m', name);
      const { folder } = await traceProgram(context, path, QUESTION, ['--save-tensor', 'lm_head']);
      const executor = await engines.executor(await engines.bundled(name));
      const { logits } = await runTapped(executor, { tokens: QUESTION, logits: 'all' });
      context.measure(countWrongHead(await stageFiles(folder), logits, 4), `${name}: lm_head.bin`);
      context.output(new Uint8Array(logits.buffer));
    }
  });
  const without = await traceProgram(context, context.model('model:sums-2m', F16), QUESTION, [
    '--save-tensor',
    'final_norm',
  ]);
  context.measure(countWrongHead(await stageFiles(without.folder), null, 4), 'lm_head not asked for');
}

/** Header and chosen tokens of our file against the pack's. */
export function measurePackHeads(context: PartContext): Promise<void> {
  return onPack(context, 'lm_head', async (files, manifest, folder, prompt) => {
    const theirs = await readPackStage(context, folder, manifest, 'lm_head.bin');
    const ours = elementFloats(files.get('lm_head.bin') ?? new Uint8Array(12));
    const { vocabSize } = BUNDLED_SHAPE;
    const wrong = manifest.tokens.filter((_, p) => {
      const row = (of: Float32Array): Float32Array => of.subarray(p * vocabSize, (p + 1) * vocabSize);
      return indexOfLargest(row(ours)) !== indexOfLargest(row(theirs));
    });
    context.measure(ours.length === theirs.length ? wrong.length : NaN, `${prompt}: the chosen token at each position`);
  });
}
