// Measures of `apr diff --values` on stage files, through the real program: what it says of equal, differing and
// incomparable pairs, and that other inputs are not taken for stage files. What it must say is worked out here.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { PartContext, ProgramResult } from '../../src/runner/run/falsifier.ts';
import { F16, QUESTION } from './bits.ts';
import { traceProgram } from './captures.ts';
import { Q4_K } from './selection.ts';

interface Report {
  kind: string;
  verdict: string;
  refusals: string[];
  valuesCompared: boolean;
  differingCount: number;
  maxAbsDiff: number | 'Infinity' | null;
  maxAbsDiffIndex: number | null;
  rmsDiff: number | null;
  cosineSim: number | null;
}

type Kind = 'same' | 'changed' | 'length' | 'layer' | 'mixed';

interface Pair {
  kind: Kind;
  layer: number | null;
  bits: number[];
  at: number;
  xor: number;
}

/** Numbers of ordinary size, and NaN, infinities and both zeros among them. */
const word = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }).map((value) => bitsOf(value)),
  fc.constantFrom(0x7fc00001, 0x7f800000, 0xff800000, 0x00000000, 0x80000000),
);

export const pairs: fc.Arbitrary<Pair> = fc.record({
  kind: fc.constantFrom<Kind>('same', 'changed', 'length', 'layer', 'mixed'),
  layer: fc.option(fc.nat(50)),
  bits: fc.array(word, { minLength: 1, maxLength: 40 }),
  at: fc.nat(39),
  xor: fc.constantFrom(1, 0x80000000, 0x00400000, 0x7f),
});

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0] ?? NaN;
}

function stageFile(layer: number | null, bits: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(12 + 4 * bits.length));
  view.setUint32(0, 0x54525041, true);
  view.setUint32(4, layer ?? 0xffffffff, true);
  view.setUint32(8, bits.length, true);
  for (const [i, one] of bits.entries()) view.setUint32(12 + 4 * i, one, true);
  return new Uint8Array(view.buffer);
}

/** One searched pair through the real program: facts of the report that are not what they must be. */
export async function countWrongFacts(context: PartContext, { kind, layer, bits, at, xor }: Pair): Promise<number> {
  const [a, b] = ['a.bin', 'b.bin'].map((name) => join(context.folder, name)) as [string, string];
  const other = [...bits];
  const index = at % bits.length;
  if (kind === 'changed') other[index] = ((other[index] ?? 0) ^ xor) >>> 0;
  if (kind === 'length') other.push(0);
  await writeFile(a, stageFile(layer, bits));
  await writeFile(
    b,
    kind === 'mixed' ? 'GGUF and nothing else' : stageFile(kind === 'layer' ? (layer ?? 0) + 1 : layer, other),
  );
  const result = await context.program('apr', ['diff', a, b, '--values', '--json']);
  if (kind === 'mixed')
    return countFalse([result.exitCode === 3, result.stdout === '', /E_DIFF_MIXED/.test(result.stderr)]);
  if (kind === 'length' || kind === 'layer') return countWrongRefusal(result);
  return countWrongComparison(result, bits, other);
}

function reportOf({ stdout }: ProgramResult): Partial<Report> {
  try {
    return JSON.parse(stdout) as Report;
  } catch {
    return {};
  }
}

function countWrongRefusal(result: ProgramResult): number {
  const { verdict, refusals = [], valuesCompared } = reportOf(result);
  return countFalse([result.exitCode === 2, verdict === 'declined', refusals.length === 1, valuesCompared === false]);
}

function countWrongComparison(result: ProgramResult, a: readonly number[], b: readonly number[]): number {
  const report = reportOf(result);
  const differing = a.flatMap((bits, i) => (bits === b[i] ? [] : [i]));
  const [first] = differing;
  // At most one element differs; its distance is infinite where a number is not on both sides.
  const distance = first === undefined ? 0 : Math.abs(floatOf(a[first] ?? 0) - floatOf(b[first] ?? 0));
  const isFinite = Number.isFinite(distance);
  return countFalse([
    result.exitCode === (first === undefined ? 0 : 1),
    report.verdict === (first === undefined ? 'identical' : 'differ'),
    report.refusals?.length === 0,
    report.differingCount === differing.length,
    report.maxAbsDiffIndex === (first ?? null),
    // JSON has no infinity, so such a distance is a word there.
    report.maxAbsDiff === (isFinite ? distance : 'Infinity'),
    first !== undefined || report.rmsDiff === 0,
    first !== undefined || report.cosineSim === 1 || report.cosineSim === null,
  ]);
}

function countFalse(facts: readonly boolean[]): number {
  return facts.filter((fact) => !fact).length;
}

export const DIFF_CASES = 6;

/** The same command on captures of the trained model, and on inputs that are no stage files. */
export async function measureDiff(context: PartContext): Promise<void> {
  const [f16, q4] = [F16, Q4_K].map((file) => context.model('model:sums-2m', file)) as [string, string];
  const argv = ['--save-tensor', 'attn_norm,lm_head', '--save-tensor-layers', '0..2'];
  const fine = await traceProgram(context, f16, QUESTION, argv);
  const coarse = await traceProgram(context, q4, QUESTION, argv);
  const short = await traceProgram(context, f16, QUESTION.slice(0, 3), ['--save-tensor', 'lm_head']);
  const diff = (a: string, b: string): Promise<ProgramResult> =>
    context.program('apr', ['diff', a, b, '--values', '--json']);
  const head = (folder: string): string => join(folder, 'lm_head.bin');

  const same = await diff(head(fine.folder), head(fine.folder));
  const { verdict, maxAbsDiff, rmsDiff, cosineSim, differingCount } = reportOf(same);
  const zeros = [verdict === 'identical', maxAbsDiff === 0, rmsDiff === 0, differingCount === 0, cosineSim === 1];
  context.measure(
    countFalse([same.exitCode === 0, ...zeros]),
    `lm_head with itself: exit ${same.exitCode}, ${verdict}`,
  );
  context.output(same.stdout.replaceAll(context.folder, ''));

  const formats = await diff(head(fine.folder), head(coarse.folder));
  const other = reportOf(formats);
  const isClose = typeof other.cosineSim === 'number' && other.cosineSim > 0.9 && other.cosineSim < 1;
  context.measure(
    countFalse([
      formats.exitCode === 1,
      other.verdict === 'differ',
      isClose,
      typeof other.maxAbsDiff === 'number' && other.maxAbsDiff > 0,
    ]),
    `lm_head of F16 with Q4_K_M: exit ${formats.exitCode}, cosine ${other.cosineSim}`,
  );
  const layers = [0, 1].map((layer) => join(fine.folder, `layer-${layer}/attn_norm.bin`)) as [string, string];
  context.measure(countWrongRefusal(await diff(...layers)), 'attn_norm of layer 0 with layer 1');
  context.measure(
    countWrongRefusal(await diff(head(fine.folder), head(short.folder))),
    'lm_head of 15 and of 3 tokens',
  );
  const mixed = await diff(head(fine.folder), f16);
  context.measure(
    countFalse([mixed.exitCode === 3, /E_DIFF_MIXED/.test(mixed.stderr)]),
    `stage file with model: exit ${mixed.exitCode}`,
  );
  const models = await diff(f16, f16);
  context.measure(
    countFalse([models.exitCode === 0, !/stage-files/.test(reportOf(models).kind ?? 'stage-files')]),
    `two models: exit ${models.exitCode}, compared as ${reportOf(models).kind}`,
  );
}
