// Which of the catalogue's faults does `apr check` see, at the right op, beside the gates that people use today? Plants
// every fault of program, weights and source, gross and small, in the engine on the bundled Q4_K_M model, and prints the
// table of docs/check.md, with what is still seen where the engine fuses ops and shows nothing between them. Source
// faults run in a child process with the changed source; the judge shares none of it.
//   node bench/fault-table.ts
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { hiding } from '../falsifiers/kit/claims/hiding.ts';
import { checkModel } from '../src/diagnosis/index.ts';
import { FAULTS } from '../src/diagnosis/faults/catalogue.ts';
import type { Fault, FaultInjection } from '../src/diagnosis/faults/fault.ts';
import { Judge } from '../src/diagnosis/check/judge.ts';
import { RefuteError } from '../src/errors.ts';
import { openCpuExecutor } from '../src/engine/cpu/cpu-executor.ts';
import { openModel, type Executor, type Model, type ModelTransform, type Tap } from '../src/engine/index.ts';
import { openFloat64Executor } from '../src/oracles/float64/float64-executor.ts';
import { plantFault } from '../src/runner/run/plant-fault.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODEL = join(ROOT, 'models/sums-2m/sums-2m.q4_k_m.gguf');
const CHAT = [766, 266, 198, 272, 269, 220, 17, 10, 17, 30, 767, 198, 766, 265, 198, 21];
/** 80 positions: more than one chunk. */
const TOKENS = Array.from({ length: 80 }, (_, i) => CHAT[i % CHAT.length] ?? 0);

/** Values that an engine with fused ops does not show. */
const FUSED = {
  /** Product and bias, norm and residual, silu and up. */
  fused: /\/([qkv]_matmul|post_attn_residual|ffn_silu)$/,
  /** From the norm to the output of attention, nothing. */
  attention: /\/([qkv]_(matmul|bias)|[qk]_post_rope|v)$/,
} as const;

interface Seen {
  verdict: string;
  at: string;
  /** All that was judged together there. */
  covers: string[];
}

interface Outcome extends Seen {
  fused: Seen;
  attention: Seen;
  /** Of the last token's logits against float64 on the same bytes. */
  nmse: number;
  cosine: number;
  /** Positions of all whose most likely token is another. */
  flips: number;
}

/** Changes to kernels that the catalogue has not (yet): ids of the mutation suite. */
const kernel = (id: string, title: string, expected: string, file: string, find: string, replace: string): Row => ({
  id,
  title,
  expected,
  inject: { kind: 'source', file: `src/engine/cpu/kernels/${file}`, find, replace },
});

interface Row {
  id: string;
  title: string;
  /** Stage where a local check should see it; `` = no single op of a run in one piece. */
  expected: string;
  inject: FaultInjection;
}

/** Beside the catalogue: the coarsest and the finest rounding of products. */
const KERNEL_ROWS: Row[] = [
  kernel(
    'W15',
    'products truncated to bf16',
    'qkv_matmul',
    'lib/matmul.as.ts',
    'store<f32>(out + <usize>r * rowStride, total);',
    'store<u32>(out + <usize>r * rowStride, reinterpret<u32>(total) & 0xffff0000);',
  ),
  kernel(
    'P1-bit',
    'lowest bit of every product lost',
    'qkv_matmul',
    'lib/matmul.as.ts',
    'store<f32>(out + <usize>r * rowStride, total);',
    'store<u32>(out + <usize>r * rowStride, reinterpret<u32>(total) & 0xfffffffe);',
  ),
];

/** Not on this model or this run: no q4_0 weights, one memory. */
const NOT_APPLICABLE = new Set(['W8', 'W9', 'B1']);

/** Small variants that sit at another op than the fault at full size. */
const SMALL_SITE: Readonly<Record<string, string>> = { W19: 'ffn_norm' };

/**
 * Faults of code that several ops share: where this model meets it. Its embedding is in q6_k, its first matrices in q4_k;
 * only ffn_out has rows of more than one chunk; softmax and silu have one exponential.
 */
const SHARED_SITE: Readonly<Record<string, string>> = {
  W6: 'qkv_matmul',
  W7: 'qkv_matmul',
  W11: 'ffn_out',
  P7: 'attn_softmax or ffn_silu',
};

/** Faults of a session's bookkeeping: the right answer is the run, not an op. */
const OF_THE_RUN = new Set(['C9', 'D1']);

function rowsOf({ id, title, firstStage, gross, small }: Fault): Row[] {
  const expected = firstStage === 'tokens' || OF_THE_RUN.has(id) ? '' : (SHARED_SITE[id] ?? firstStage);
  return [
    { id, title: `${title}: ${gross.title}`, expected, inject: gross.inject },
    { id: `${id}-small`, title: small.title, expected: SMALL_SITE[id] ?? expected, inject: small.inject },
  ];
}

async function outcomeOf(transform: ModelTransform): Promise<Outcome> {
  const healthy = await openModel(MODEL);
  const engine = await openModel(MODEL, { transform });
  const executor = await openCpuExecutor(engine.program, engine.weights);
  const { program, weights } = healthy;
  const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
  const seenWith = async (hidden: RegExp | null): Promise<Seen> => {
    const values = program.values.map(({ id }) => id).filter((id) => hidden?.test(id) === true);
    const subject = hiding(executor, new Set(values));
    const { verdict, at, results } = await checkModel({ executor: subject, program, weights, tokens: TOKENS, ...none });
    const found = results.find(({ value }) => value === at?.value);
    const value = at?.value ?? '';
    return {
      verdict: verdict === 'INCONCLUSIVE' ? 'silent' : verdict,
      at: value,
      covers: found?.stretch?.covers ?? [value],
    };
  };
  const single = await seenWith(null);
  const fused = await seenWith(FUSED.fused);
  const attention = await seenInOnePiece(executor, healthy, FUSED.attention);
  const session = await executor.openSession(TOKENS.length + 1);
  const ours = (await session.run({ tokens: transform.tokens?.([...TOKENS]) ?? TOKENS, logits: 'all' })).logits;
  const oracle = await openFloat64Executor(program, weights);
  const right = (await (await oracle.openSession(TOKENS.length)).run({ tokens: TOKENS, logits: 'all' })).logits;
  session.close();
  await executor.close();
  await engine.close();
  await healthy.close();
  return {
    ...single,
    fused,
    attention,
    ...gates(ours, right, program.vocabSize),
  };
}

/** As a dump: attention with what comes before it can be judged as one where all positions are there at once. */
async function seenInOnePiece(executor: Executor, { program, weights }: Model, hidden: RegExp): Promise<Seen> {
  const parts = new Map<string, Float32Array[]>();
  const session = await executor.openSession(TOKENS.length);
  const formats = { profile: executor.profile, undeclared: [] };
  const isShown = (value: string): boolean => !hidden.test(value);
  const options = { program, weights, tokens: TOKENS, formats, hasFreeRun: false, original: null, isShown };
  const judge = new Judge(options);
  const tap: Tap = {
    values: judge.tap.values,
    onValue: (value, data) => void parts.set(value, [...(parts.get(value) ?? []), data]),
  };
  await session.run({ tokens: TOKENS, logits: 'none', tap });
  session.close();
  for (const [value, chunks] of parts)
    await judge.judge(value, Float32Array.from(chunks.flatMap((part) => [...part])), 0);
  const found = judge.finish().find(({ status }) => status !== 'healthy');
  if (found === undefined) return { verdict: 'silent', at: '', covers: [] };
  const verdict = found.status === 'faulty' ? 'BUG' : 'SUSPECT';
  return { verdict, at: found.value, covers: found.stretch?.covers ?? [found.value] };
}

function gates(ours: Float32Array, right: Float64Array, width: number): Pick<Outcome, 'nmse' | 'cosine' | 'flips'> {
  const [a, b] = [ours.slice(-width), right.slice(-width)];
  const mean = b.reduce((sum, value) => sum + value, 0) / width;
  let [error, variance, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (const [i, y] of b.entries()) {
    const x = a[i] ?? Number.NaN;
    error += (x - y) ** 2;
    variance += (y - mean) ** 2;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  let flips = 0;
  for (let row = 0; row < Math.min(ours.length, right.length); row += width) {
    if (best(ours.subarray(row, row + width)) !== best(right.subarray(row, row + width))) flips += 1;
  }
  return { nmse: error / variance, cosine: ab / Math.sqrt(aa * bb), flips };
}

function best(row: ArrayLike<number>): number {
  let top = 0;
  for (let i = 1; i < row.length; i += 1) if ((row[i] ?? 0) > (row[top] ?? 0)) top = i;
  return top;
}

async function inChild(row: Row, inject: Extract<FaultInjection, { kind: 'source' }>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'refute-fault-'));
  try {
    const module = fileURLToPath(import.meta.url);
    const description = { id: row.id, title: row.title, size: 'gross', part: 'generated', inject } as const;
    const planted = await plantFault(description, { module, claim: '' }, ROOT, folder);
    const { stdout } = await execa(process.execPath, [module, '--child'], { env: planted.env, stderr: 'ignore' });
    if (planted.appliedCount() === 0) throw new Error(`${row.id} was never loaded`);
    return JSON.parse(stdout) as Outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv.includes('--child')) {
  process.stdout.write(
    JSON.stringify(await outcomeOf({}), (_, value: unknown) => (Number.isNaN(value) ? null : value)),
  );
} else {
  const rows = FAULTS.filter(({ id }) => !NOT_APPLICABLE.has(id)).flatMap(rowsOf);
  const counts = { all: 0, seen: 0, right: 0, fused: 0, attention: 0, nmse: 0, cosine: 0, flips: 0 };
  process.stdout.write(
    '| id | fault | verdict | named op | right op | fused ops | q, k, v not shown | NMSE < 1e-2 | cosine >= 0.98 | top-1, 80 positions |\n',
  );
  process.stdout.write('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n');
  for (const row of [...rows, ...KERNEL_ROWS]) {
    const { inject } = row;
    const found =
      inject.kind === 'source' ? await inChild(row, inject).catch(staleFault) : await outcomeOf(inject.transform);
    if (found === null) continue;
    const isSeen = isAccused(found);
    const isRight = isSeen && isStage(found.at, row.expected);
    for (const how of ['fused', 'attention'] as const) counts[how] += isPlaced(found[how], row.expected) ? 1 : 0;
    const alarms = [!(found.nmse < 1e-2), !(found.cosine >= 0.98), found.flips > 0];
    counts.all += 1;
    counts.seen += isSeen ? 1 : 0;
    counts.right += isRight ? 1 : 0;
    for (const [i, gate] of (['nmse', 'cosine', 'flips'] as const).entries())
      counts[gate] += alarms[i] === true ? 1 : 0;
    const cells = [
      row.id,
      row.title,
      found.verdict,
      isSeen && found.at === '' ? 'the run' : found.at,
      isRight ? 'yes' : isSeen ? 'no' : '',
      ...[found.fused, found.attention].map((seen) => stretchCell(seen, row.expected)),
      `${alarms[0] ? '**fails**' : 'passes'} ${figure(found.nmse)}`,
      `${alarms[1] ? '**fails**' : 'passes'} ${found.cosine?.toFixed(6)}`,
      alarms[2] ? `**${found.flips} flips**` : 'passes',
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
  process.stdout.write(`\n${JSON.stringify(counts)}\n`);
}

/** The catalogue's text is no longer in the source. */
function staleFault(error: unknown): null {
  if (!(error instanceof RefuteError) || error.code !== 'E_FAULT_PLANT') throw error;
  process.stderr.write(`not planted: ${error.message}\n`);
  return null;
}

function figure(value: number | null): string {
  return value === null ? 'NaN' : value.toExponential(1);
}

function isAccused({ verdict }: Seen): boolean {
  return verdict === 'BUG' || verdict === 'SUSPECT';
}

/** The expected op is among those that are accused together. */
function isPlaced(seen: Seen, expected: string): boolean {
  return isAccused(seen) && seen.covers.some((value) => isStage(value, expected));
}

function stretchCell(seen: Seen, expected: string): string {
  if (!isAccused(seen)) return seen.verdict;
  const name = seen.at === '' ? 'the run' : seen.at.replace(/^layer-\d+\//, '');
  return `${seen.verdict} ${name}${isPlaced(seen, expected) ? '' : ' (elsewhere)'}`;
}

/** `qkv_matmul` is q, k and v side by side; scores and softmax are inside of the attention op. */
function isStage(value: string, expected: string): boolean {
  const name = value.replace(/^layer-\d+\//, '');
  if (expected.includes(' or ')) return expected.split(' or ').some((one) => isStage(value, one));
  if (expected === 'attn_scores' || expected === 'attn_softmax') return name === 'attention';
  if (expected === 'qkv_matmul' || expected === 'qkv_bias') return /^[qkv]_(matmul|bias)$/.test(name);
  if (expected === 'q_post_rope') return name.endsWith('_post_rope');
  return name === expected;
}
