// What each value of a program looks like in llama.cpp's graph: a form, written in ggml's ops over weights and other values.
// Its own names for nodes are not looked at: they repeat, or are missing. A new architecture needs nothing here, a new op
// of ours a line. Forms only; a graph is read by graph-reader.ts.
import type { Op, Program, ValueId, WeightName } from '../../../engine/program/program.ts';
import { ropeWeights } from '../../../engine/program/program.ts';

/** `MUL_MAT(blk.0.attn_q.weight,layer-0/attn_norm)`. Positions, masks, ids of tokens and views are left out. */
export type Form = string;

/** What is looked for in a graph. As plain data: it goes to another process. */
export interface ProgramInGraph {
  /** Several forms of one value are alternatives; a value without any is computed inside of another's node. */
  forms: readonly (readonly [form: Form, value: ValueId])[];
  /** Nodes that are several values, side by side in each row. */
  fused: readonly (readonly [form: Form, values: readonly ValueId[]])[];
  /** All of them, with their channels. */
  values: readonly (readonly [value: ValueId, channelCount: number])[];
  weights: readonly WeightName[];
}

export function programInGraph(program: Program): ProgramInGraph {
  const { ops, values, weights } = program;
  const writers = new Map(ops.map((op) => [op.out, op]));
  const widths = new Map(values.map(({ id, channelCount }) => [id, channelCount]));
  const products = new Map<ValueId, Matmul[]>();
  for (const op of ops) if (op.op === 'matmul') products.set(op.in, [...(products.get(op.in) ?? []), op]);
  return {
    forms: ops.flatMap((op) => formsOf(op, writers, widths).map((form) => [form, op.out] as const)),
    fused: [...products.values()].flatMap((group) =>
      group.length === 1 ? [] : fusedForms(group).map((form) => [form, group.map(({ out }) => out)] as const),
    ),
    values: values.map(({ id, channelCount }) => [id, channelCount]),
    weights: weights.map(({ name }) => name),
  };
}

type Matmul = Extract<Op, { op: 'matmul' }>;

/**
 * Products with one input whose weights are one in the file (q, k, v; gate and up): under a name that the program does not
 * have, and which is left out, or under that of one of them.
 */
function fusedForms(group: readonly Matmul[]): Form[] {
  const input = group[0]?.in ?? '';
  return [`MUL_MAT(${input})`, ...group.map(({ weight }) => `MUL_MAT(${weight},${input})`)];
}

function formsOf(op: Op, writers: ReadonlyMap<ValueId, Op>, widths: ReadonlyMap<ValueId, number>): Form[] {
  switch (op.op) {
    case 'embed':
      return [`GET_ROWS(${op.weight})`];
    case 'rmsnorm':
      return [`MUL(RMS_NORM(${op.in}),${op.weight})`];
    case 'matmul':
      return [`MUL_MAT(${op.weight},${op.in})`];
    case 'addBias':
      return [`ADD(${op.in},${op.weight})`];
    case 'rope':
      return [`ROPE(${op.in})`, ...ropeWeights(op.rope.scaling).map((factors) => `ROPE(${op.in},${factors})`)];
    case 'attention':
      return attentionForms(op);
    case 'silu':
    case 'gelu':
      return [];
    case 'mul': {
      const activation = writers.get(op.a);
      if (activation?.op !== 'silu' && activation?.op !== 'gelu') return [`MUL(${op.a},${op.b})`];
      const gated = activation.op === 'silu' ? 'SWIGLU' : 'GEGLU';
      const parts = [writers.get(activation.in), writers.get(op.b)].filter((part) => part?.op === 'matmul');
      return [`${gated}(${activation.in},${op.b})`, ...fusedForms(parts).map((form) => `${gated}(${form})`)];
    }
    case 'add':
      return [`ADD(${op.a},${op.b})`, `ADD(${op.b},${op.a})`];
    case 'scale':
      return [`SCALE(${op.in})`];
    case 'softcap':
      return [capped(op.in)];
    case 'moeSelect':
      return [`ARGSORT(SOFT_MAX(${op.in}))`];
    case 'moeRoute': {
      const chosen = `GET_ROWS(SOFT_MAX(${op.in}),${op.experts})`;
      return [op.isRenormalised ? `DIV(${chosen},CLAMP(SUM_ROWS(${chosen})))` : chosen];
    }
    case 'expertMatmul':
      return [`MUL_MAT_ID(${op.weight},${op.in},${op.experts})`];
    case 'moeSum':
      return [expertSum(`MUL(${op.in},${op.shares})`, widths.get(op.shares) ?? 0)];
  }
}

/**
 * The cache is read under the name of what was written into it. Where it is quantised, q, k and v are turned before and
 * the sum is turned back, by a matrix that is no weight: `MUL_MAT(…)` of one operand.
 */
function attentionForms({ q, k, v }: Extract<Op, { op: 'attention' }>): Form[] {
  const plain = (form: Form): Form => form;
  const turned = (form: Form): Form => `MUL_MAT(${form})`;
  return [plain, turned].flatMap((turn) =>
    [q, `SCALE(${q})`].flatMap((query) => {
      const scores = `MUL_MAT(${turn(k)},${turn(query)})`;
      const sums = [scores, capped(scores)].map((score) => `CONT(MUL_MAT(${turn(v)},SOFT_MAX(${score})))`);
      return [`FLASH_ATTN_EXT(${turn(query)},${turn(k)},${turn(v)})`, ...sums].map(turn);
    }),
  );
}

function capped(form: Form): Form {
  return `SCALE(TANH(SCALE(${form})))`;
}

/** One expert after the other. What is there before the last has the width of the sum, and is not it. */
function expertSum(term: Form, usedCount: number): Form {
  let sum = term;
  for (let count = 1; count < usedCount; count += 1) sum = `ADD(${sum},${term})`;
  return usedCount === 1 ? `CONT(${sum})` : sum;
}
