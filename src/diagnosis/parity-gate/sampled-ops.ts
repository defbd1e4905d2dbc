// Which ops a gate judges by themselves: all that multiply no matrix, in every layer, and of the matrices of one shape and type
// the first and the last, because decoding weights is what a judgement costs. Every matrix is judged by `apr check`.
import type { WeightSource } from '../../engine/program/executor.ts';
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';

const MATRIX_OPS: ReadonlySet<Op['op']> = new Set(['matmul', 'expertMatmul']);

/** @returns the values that the chosen ops write */
export function sampledOps(program: Program, weights: Pick<WeightSource, 'info'>): Set<ValueId> {
  const channels = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const kindOf = (op: Op): string => {
    const named = new Set([op.out, ...operands(op).reads]);
    // What differs between layers is names alone; a name stands for its shape, and of a weight for its type too.
    return JSON.stringify(op, (key, field: unknown) => {
      if (key === 'layer') return undefined;
      if (typeof field !== 'string' || key === 'op') return field;
      if (named.has(field)) return channels.get(field);
      const info = weights.info(field);
      return info === undefined ? field : [info.type, ...info.shape];
    });
  };
  const [first, last] = [new Map<string, ValueId>(), new Map<string, ValueId>()];
  const matrices = program.ops.filter(({ op }) => MATRIX_OPS.has(op));
  for (const op of matrices) {
    const kind = kindOf(op);
    if (!first.has(kind)) first.set(kind, op.out);
    last.set(kind, op.out);
  }
  const others = program.ops.filter(({ op }) => !MATRIX_OPS.has(op)).map(({ out }) => out);
  return new Set([...others, ...first.values(), ...last.values()]);
}
