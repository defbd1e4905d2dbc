// Which ops a gate judges by themselves: of all that run the same kernel over the same shape the first and the last, so that
// a deep model costs hardly more than a shallow one. All of them are `apr check`.
import type { WeightSource } from '../../engine/program/executor.ts';
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';

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
  for (const op of program.ops) {
    const kind = kindOf(op);
    if (!first.has(kind)) first.set(kind, op.out);
    last.set(kind, op.out);
  }
  return new Set([...first.values(), ...last.values()]);
}
