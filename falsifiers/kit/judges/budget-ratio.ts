// How far a kernel is off in units of its error budget: rho = max |error| / budget over all elements, with the proven
// tier of src/diagnosis/ops, which calibrates nothing. What is not finite must not be finite in the same way.
import { arithmeticOf, type Arithmetic } from '../../../src/diagnosis/reference/arithmetic.ts';
import { LARGEST_F32 } from '../../../src/diagnosis/ops/constants.ts';
import { CPU_PROFILE } from '../../../src/engine/cpu/cpu-profile.ts';
import { UNDECLARED } from '../../../src/engine/program/numeric-profile.ts';

/** What the engine declares about its roundings. */
export const CPU_ARITHMETIC: Arithmetic = arithmeticOf(CPU_PROFILE);
/** What may be assumed of PyTorch's float32. */
export const FOREIGN_ARITHMETIC: Arithmetic = arithmeticOf(UNDECLARED);

/** What an op should have written, and how far off it may be. */
export interface Should {
  reference: ArrayLike<number>;
  proven: ArrayLike<number>;
}

/**
 * The largest |error| / budget; Infinity where one side is finite and the other is not (but for a result that overflows
 * float32). NaN, which no bar accepts, where lengths differ or a budget is infinite: such a case would show nothing.
 */
export function budgetRatio(engine: Float32Array, { reference, proven }: Should): number {
  if (engine.length !== reference.length || engine.length !== proven.length || engine.length === 0) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < engine.length; i++) {
    const ratio = elementRatio(engine[i] ?? 0, reference[i] ?? 0, proven[i] ?? 0);
    worst = Math.max(worst, ratio);
  }
  return worst;
}

function elementRatio(e: number, y: number, budget: number): number {
  if (e === y || (Number.isNaN(e) && Number.isNaN(y))) return 0;
  if (!(Number.isFinite(e) && Number.isFinite(y))) {
    const isOverflow = Math.abs(e) === Infinity && e * y > 0 && Math.abs(y) + budget > LARGEST_F32;
    return isOverflow ? 0 : Infinity;
  }
  return budget < Infinity ? Math.abs(e - y) / budget : Number.NaN;
}

/** Elements whose bits differ; a NaN equals a NaN, a zero must have its sign. NaN where lengths differ. */
export function differingElements(engine: Float32Array, exact: Float32Array): number {
  if (engine.length !== exact.length || engine.length === 0) return Number.NaN;
  return engine.reduce((count, value, i) => count + (Object.is(value, exact[i]) ? 0 : 1), 0);
}
