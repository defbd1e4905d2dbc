// How far off inputs are that an engine may take for 0: the subnormal ones, where it flushes. What that does to a result
// is for each op to say (`carry`). Attention and choices are left out: a score moves by 1e-38 · |k|, which no share and no
// order shows.
import { operands, type Op, type ValueId } from '../../engine/program/program.ts';
import type { Arithmetic } from './arithmetic.ts';
import type { Deviation } from './op-reference.ts';

/** Of one value; null: none of it is subnormal, or the engine keeps what is. */
export function flushedAway(
  { flushesBelow }: Pick<Arithmetic, 'flushesBelow'>,
  x: Float64Array | undefined,
): Float64Array | null {
  const isFlushed = (value: number): boolean => value !== 0 && Math.abs(value) < flushesBelow;
  if (x === undefined || flushesBelow === 0 || !x.some(isFlushed)) return null;
  return x.map((value) => (isFlushed(value) ? Math.abs(value) : 0));
}

/** What inputs of an op are off by: as computed before (`given`), and where they may be taken for 0. */
export function inputDeviations(
  op: Op,
  arithmetic: Pick<Arithmetic, 'flushesBelow'>,
  read: (id: ValueId) => Float64Array | undefined,
  given: ReadonlyMap<ValueId, Deviation> | undefined,
): (Deviation | null)[] {
  return operands(op).reads.map((id) => {
    const off = given?.get(id) ?? null;
    const flushed = flushedAway(arithmetic, read(id));
    if (flushed === null) return off;
    if (off === null) return { expected: flushed, proven: flushed };
    const both = (tier: Float64Array): Float64Array => tier.map((by, i) => by + (flushed[i] ?? 0));
    return { expected: both(off.expected), proven: both(off.proven) };
  });
}
