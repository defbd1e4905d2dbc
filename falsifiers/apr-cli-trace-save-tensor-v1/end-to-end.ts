// Measures of `apr trace --save-tensor` from the command line to the last byte on disk: promised files, their lengths, the
// manifest's digests, what is printed, and the same set of stages as another implementation has.
import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartContext, ProgramResult } from '../../src/runner/run/falsifier.ts';
import { BUNDLED_SHAPE, expectedFiles, EXPECTED_STAGES } from './expected-stages.ts';
import { readPackManifest } from '../kit/models/packs.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { tinyModel, tinyShape, TINY_VOCAB_SIZE } from '../kit/models/tiny-model.ts';
import { F16, QUESTION } from './bits.ts';
import { countWrongFiles, shapeOf, stageFiles, traceProgram } from './captures.ts';
import { Q4_K } from './selection.ts';

const LAYERS = [0, 1, 2, 3];
const ALL = Object.keys(EXPECTED_STAGES);

interface Manifest {
  tokens: number[];
  positions: string;
  files: Record<string, { shape: number[]; sha256: string }>;
}

/** Facts of one capture that are wrong: files, lengths, digests, shapes, tokens, and the list that was printed. */
async function countWrongFacts(
  result: ProgramResult,
  folder: string,
  expected: ReadonlyMap<string, number>,
  tokens: readonly number[],
): Promise<number> {
  const files = await stageFiles(folder);
  const manifest = JSON.parse(
    await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '{"files":{}}'),
  ) as Manifest;
  let wrong = countWrongFiles(files, new Map(expected)) + (result.exitCode === 0 ? 0 : 1);
  if (manifest.tokens?.join() !== tokens.join() || manifest.positions !== 'all') wrong += 1;
  if (Object.keys(manifest.files).length !== expected.size) wrong += 1;
  for (const [path, bytes] of files) {
    const entry = manifest.files[path];
    const elementCount = entry?.shape.reduce((product, extent) => product * extent, 1);
    if (elementCount !== expected.get(path)) wrong += 1;
    if (entry?.sha256 !== createHash('sha256').update(bytes).digest('hex')) wrong += 1;
    if (!result.stdout.includes(path)) wrong += 1;
  }
  return wrong;
}

/** Generated architectures, each with every stage. */
export const TINY_VARIANTS: readonly number[] = [1, 2, 3];

export async function measureTinyModels(context: PartContext): Promise<void> {
  for (const variant of TINY_VARIANTS) {
    const source = tinyModel(tinyShape(variant), context.seed);
    const path = join(context.folder, `tiny-${variant}.gguf`);
    await writeFile(path, source.bytes);
    const random = new SeededRandom(context.seed + variant);
    const tokens = Array.from({ length: 1 + random.below(9) }, () => random.below(TINY_VOCAB_SIZE));
    const { folder, ...result } = await traceProgram(context, path, tokens, ['--save-tensor', 'all']);
    const layers = Array.from({ length: source.shape.layerCount }, (_, i) => i);
    const expected = expectedFiles(shapeOf(source), tokens.length, ALL, layers);
    context.measure(await countWrongFacts(result, folder, expected, tokens), `${source.shape.architecture} ${variant}`);
  }
}

export const END_TO_END_CASES = 3;

/** A prompt in words, into the default folder; the same as JSON; and what happens where the folder cannot be made. */
export async function measureEndToEnd(context: PartContext): Promise<void> {
  const model = context.model('model:sums-2m', Q4_K);
  const expected = expectedFiles(BUNDLED_SHAPE, QUESTION.length, ALL, LAYERS);
  const inWords = ['trace', model, 'What is 2+2?', '--save-tensor', 'all', '--no-gpu'];
  const plain = await context.program('apr', inWords, { cwd: context.folder });
  const folder = join(context.folder, 'sums-2m.q4_k_m-trace');
  context.measure(await countWrongFacts(plain, folder, expected, QUESTION), `default folder: exit ${plain.exitCode}`);
  for (const [path, bytes] of await stageFiles(folder)) context.output(`${path} ${bytes.length}`);

  const json = await context.program('apr', [...inWords, '--json', '--save-tensor-dir', folder], {
    cwd: context.folder,
  });
  const report = JSON.parse(json.stdout) as {
    capture: { files: { path: string; byteLength: number }[] };
    promptIds: number[];
  };
  const listed = report.capture.files.filter(
    ({ path, byteLength }) => byteLength !== 12 + 4 * (expected.get(path) ?? NaN),
  );
  const isComplete = report.capture.files.length === expected.size && report.promptIds.join() === QUESTION.join();
  context.measure(listed.length + (isComplete ? 0 : 1) + json.exitCode, `--json: exit ${json.exitCode}`);

  const blocked = join(context.folder, 'blocked');
  await writeFile(blocked, 'a file where a folder should be');
  const argv = ['trace', model, '--tokens', '1', '--save-tensor', 'lm_head', '--save-tensor-dir', blocked, '--no-gpu'];
  const { exitCode, stderr } = await context.program('apr', argv);
  const isKept = (await stat(blocked)).isFile();
  const isRefused = exitCode === 3 && /error E_[A-Z_]+/.test(stderr) && !/\n\s+at /.test(stderr);
  context.measure(isRefused && isKept ? 0 : 1, `a file in the way: exit ${exitCode}`);
}

const PACK = 'models/sums-2m/packs/float64/chat-addition';
export const PACK_FILES = 75;

/** A question in words: the same tokens, and exactly the stage files that Transformers has, each as long. */
export async function measureAgainstPack(context: PartContext): Promise<void> {
  const manifest = await readPackManifest(context, PACK);
  const model = context.model('model:sums-2m', F16);
  const folder = join(context.folder, 'pack');
  const argv = [
    'trace',
    model,
    manifest.prompt ?? '',
    '--save-tensor',
    'all',
    '--save-tensor-dir',
    folder,
    '--no-gpu',
    '--json',
  ];
  const { stdout } = await context.program('apr', argv);
  const { promptIds } = JSON.parse(stdout) as { promptIds: number[] };
  const isSamePrompt = promptIds.join() === manifest.tokens.join();
  const files = await stageFiles(folder);
  for (const path of new Set([...files.keys(), ...Object.keys(manifest.files)])) {
    const theirs = manifest.files[path]?.shape.reduce((product, extent) => product * extent, 1) ?? NaN;
    const isSame = files.get(path)?.length === 12 + 4 * theirs;
    context.measure(isSame && isSamePrompt ? 0 : 1, `${path}: ${files.get(path)?.length ?? 'no'} bytes`);
  }
}
