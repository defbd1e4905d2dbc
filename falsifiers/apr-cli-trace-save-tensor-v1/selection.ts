// Measures of what `apr trace --save-tensor` selects: names, layers, files. Each compares with expected-stages.ts, which
// has not seen the product's program.
import { join } from 'node:path';
import fc from 'fast-check';
import { RefuteError } from '../../src/errors.ts';
import { parseLayerRange, parseLayers, parseStages } from '../../src/engine/capture/select.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { nameCharacter } from '../kit/arbitraries/characters.ts';
import { withEngines } from '../kit/claims/engine-runs.ts';
import { BUNDLED_SHAPE, expectedFiles, EXPECTED_STAGES, STAGE_FLAG_NAMES } from './expected-stages.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { orNaN } from '../kit/judges/refusals.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from '../kit/models/tiny-model.ts';
import { allFileNames, captureHere, countWrongFiles, shapeOf, stageFiles, traceProgram } from './captures.ts';

export const Q4_K = 'sums-2m.q4_k_m.gguf';

export const tokenLists: fc.Arbitrary<number[]> = fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 1, maxLength: 8 });

/** A name as people type it: padded, in any case. */
const typed = (name: string): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('', ' ', '  '), fc.boolean(), fc.constantFrom('', ' ')).map(([before, isUpper, after]) => {
    return before + (isUpper ? name.toUpperCase() : name) + after;
  });

const knownName = fc.constantFrom(...Object.keys(EXPECTED_STAGES), 'layer_output');

/** Words that are no stage: random ones, and real ones with a letter too many or too few. */
const unknownName = fc
  .oneof(
    fc.string({ unit: nameCharacter, minLength: 1, maxLength: 12 }),
    fc
      .tuple(knownName, fc.nat(11))
      .map(([name, at]) => name.slice(0, at % name.length) + name.slice((at % name.length) + 1)),
    knownName.map((name) => `${name}s`),
    knownName.map((name) => `layer-0/${name}`),
  )
  .filter((name) => !STAGE_FLAG_NAMES.includes(name) && name !== 'all' && name !== '');

/** A list with one unknown or empty name somewhere. */
export const wrongLists: fc.Arbitrary<{ text: string; code: string }> = fc
  .tuple(fc.array(knownName, { maxLength: 3 }), fc.option(unknownName, { freq: 3 }), fc.nat())
  .map(([names, unknown, at]) => {
    const list: string[] = [...names];
    list.splice(at % (list.length + 1), 0, unknown ?? ' ');
    return { text: list.join(','), code: unknown === null ? 'E_STAGE_EMPTY' : 'E_STAGE_UNKNOWN' };
  });

/** 0 where the list is refused as it must be: with its code, naming every valid stage. */
export function countMissedRefusal({ text, code }: { text: string; code: string }): number {
  try {
    parseStages(text);
    return 1;
  } catch (error) {
    if (!(error instanceof RefuteError) || error.code !== code) return 1;
    return code === 'E_STAGE_EMPTY' ? 0 : countUnnamed(error.message);
  }
}

function countUnnamed(message: string): number {
  return STAGE_FLAG_NAMES.filter((name) => !new RegExp(`\\b${name}\\b`).test(message)).length;
}

/** The flag on the real program: refused, absent, and present. One case each. */
export const FLAG_CASES = 5;

export async function measureFlag(context: PartContext): Promise<void> {
  const model = context.model('model:sums-2m', Q4_K);
  const tokens = [766, 265, 17];
  const refused = async (stages: string, code: string): Promise<void> => {
    const { exitCode, stderr, stdout, folder } = await traceProgram(context, model, tokens, ['--save-tensor', stages]);
    const names = code === 'E_STAGE_UNKNOWN' ? countUnnamed(stderr) : 0;
    const files = (await allFileNames(folder)).length;
    const wrong = (exitCode === 3 ? 0 : 1) + (stderr.includes(code) ? 0 : 1) + (stdout === '' ? 0 : 1);
    context.measure(wrong + names + files, `--save-tensor ${stages}: exit ${exitCode}, ${files} files`);
  };
  await refused('embeddings', 'E_STAGE_UNKNOWN');
  await refused('embedding,,lm_head', 'E_STAGE_EMPTY');
  for (const [stages, names] of [
    ['embedding', ['embedding']],
    ['EMBEDDING, layer_output', ['embedding', 'layer_output']],
  ] as const) {
    const { exitCode, folder } = await traceProgram(context, model, tokens, ['--save-tensor', stages]);
    const wrong = countWrongFiles(await stageFiles(folder), expectedFiles(BUNDLED_SHAPE, 3, names, [0, 1, 2, 3]));
    context.measure(wrong + exitCode, `--save-tensor "${stages}": exit ${exitCode}`);
  }
  const without = await traceProgram(context, model, tokens, []);
  const left = [...(await allFileNames(without.folder)), ...(await allFileNames(join(context.folder, 'elsewhere')))];
  context.measure(left.length + without.exitCode, `no flag: exit ${without.exitCode}, ${left.length} files`);
}

export interface SelectionInput {
  variant: number;
  tokens: number[];
  names: string[];
  /** The names as typed into the flag, duplicates included. */
  text: string;
  layers: number[];
}

export const selections: fc.Arbitrary<SelectionInput> = fc
  .record({
    variant: fc.nat(TINY_VARIANT_COUNT - 1),
    tokens: tokenLists,
    names: fc.array(knownName, { minLength: 1, maxLength: 6 }),
    layers: fc.uniqueArray(fc.nat(1), { minLength: 1, maxLength: 2 }),
  })
  .chain((input) => fc.tuple(...input.names.map(typed)).map((list) => ({ ...input, text: list.join(',') })));

/** Searched lists and layers on generated models: which files there are, and how long. */
export async function searchSelections(context: PartContext, planned: number): Promise<void> {
  await withEngines(context, (engines) =>
    context.search(selections, planned, ({ variant, tokens, names, text, layers }) => {
      const source = engines.tinySource(variant, 0);
      const expected = expectedFiles(shapeOf(source), tokens.length, names, layers);
      // Nothing selected is declined by the product, and that is a claim of its own; here something is.
      if (expected.size === 0) return 0;
      return orNaN(async () => {
        const model = await engines.fromTiny(source);
        const executor = await engines.executor(model);
        const folder = await captureHere(context, model, executor, { tokens, stages: text, layers });
        return countWrongFiles(await stageFiles(folder), expected);
      });
    }),
  );
}

export const LIST_RUNS = 3;

/** Searched lists on the real program and the trained model. */
export async function measureLists(context: PartContext): Promise<void> {
  const model = context.model('model:sums-2m', Q4_K);
  const random = new SeededRandom(context.seed);
  for (let run = 0; run < LIST_RUNS; run++) {
    const names = Object.keys(EXPECTED_STAGES).filter(() => random.below(4) === 0);
    names.push('lm_head');
    const shuffled = names.toSorted(() => random.below(3) - 1);
    const text = shuffled.map((name) => (random.below(2) === 0 ? ` ${name.toUpperCase()}` : name)).join(',');
    const tokens = Array.from({ length: 1 + random.below(6) }, () => random.below(BUNDLED_SHAPE.vocabSize));
    const { exitCode, folder } = await traceProgram(context, model, tokens, ['--save-tensor', text]);
    const expected = expectedFiles(BUNDLED_SHAPE, tokens.length, names, [0, 1, 2, 3]);
    context.measure(countWrongFiles(await stageFiles(folder), expected) + exitCode, `--save-tensor "${text}"`);
  }
}

export interface LayerInput {
  layerCount: number;
  items: { first: number; last: number }[];
}

export const layerLists: fc.Arbitrary<LayerInput> = fc.integer({ min: 1, max: 40 }).chain((layerCount) =>
  fc
    .array(
      fc
        .tuple(fc.nat(layerCount - 1), fc.nat(layerCount - 1))
        .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
      { minLength: 1, maxLength: 4 },
    )
    .map((items) => ({ layerCount, items })),
);

/** Both ways of naming layers, and the first number that is out of range in each. */
export function countWrongLayers({ layerCount, items }: LayerInput): number {
  const wanted = new Set(
    items.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
  );
  const text = items.map(({ first, last }) => (first === last ? `${first}` : `${first}..${last}`)).join(',');
  const sorted = [...wanted].toSorted((a, b) => a - b).join();
  const [{ first, last }] = items as [LayerInput['items'][number]];
  const excluded = Array.from({ length: last + 1 - first }, (_, i) => first + i).join();
  const checks = [
    parseLayers(text, layerCount).join() === sorted,
    parseLayers('all', layerCount).length === layerCount,
    parseLayerRange(`${first}..${last + 1}`, layerCount).join() === excluded,
    isRefused(() => parseLayers(`${layerCount}`, layerCount)),
    isRefused(() => parseLayerRange(`${first}..${layerCount + 1}`, layerCount)),
    isRefused(() => parseLayerRange(`${first}..${first}`, layerCount)),
  ];
  return checks.filter((isRight) => !isRight).length;
}

function isRefused(parse: () => unknown): boolean {
  try {
    parse();
    return false;
  } catch (error) {
    return error instanceof RefuteError && error.code === 'E_LAYERS';
  }
}

/** Layer flags on the real program: one case each. */
const LAYER_FLAGS: readonly [string[], number[]][] = [
  [[], [0, 1, 2, 3]],
  [
    ['--save-tensor-layers', '1..3'],
    [1, 2],
  ],
  [
    ['--layers', '0,2..3'],
    [0, 2, 3],
  ],
];
export const LAYER_RUNS: number = LAYER_FLAGS.length + 1;

export async function measureLayers(context: PartContext): Promise<void> {
  const model = context.model('model:sums-2m', Q4_K);
  const names = ['embedding', 'attn_norm', 'ffn_out', 'lm_head'];
  for (const [flags, layers] of LAYER_FLAGS) {
    const argv = ['--save-tensor', names.join(','), ...flags];
    const { exitCode, folder } = await traceProgram(context, model, [1, 2], argv);
    const wrong = countWrongFiles(await stageFiles(folder), expectedFiles(BUNDLED_SHAPE, 2, names, layers));
    context.measure(wrong + exitCode, `${flags.join(' ') || 'no layer flag'}: exit ${exitCode}`);
  }
  const beyond = await traceProgram(context, model, [1, 2], ['--save-tensor', 'attn_norm', '--layers', '4']);
  const isRefused = beyond.exitCode === 3 && beyond.stderr.includes('E_LAYERS');
  context.measure(
    (isRefused ? 0 : 1) + (await allFileNames(beyond.folder)).length,
    `--layers 4: exit ${beyond.exitCode}`,
  );
}
