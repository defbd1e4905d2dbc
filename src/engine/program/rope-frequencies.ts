// How fast each pair of rotary embedding turns, under every scaling rule (program.ts, RopeScaling), in double: for
// executors. The float64 oracle has its own (oracles/float64/ops/rope-frequencies.ts): arithmetic is never shared.
import type { RopeFactors, RopeParameters, RopeScaling, WeightName } from './program.ts';

type ScalingOf<Type extends RopeScaling['type']> = Extract<RopeScaling, { type: Type }>;

/**
 * Angle per position of each pair, in radians: theta^(−2i/rotaryDim), scaled.
 *
 * @param factors content of the weight that `factorsWeight` names, else null
 * @param contextLength of the session
 */
export function ropeFrequencies(
  rope: RopeParameters,
  factors: ArrayLike<number> | null,
  contextLength: number,
): Float64Array {
  const { theta, rotaryDim, scaling } = rope;
  const base = scaling.type === 'dynamic' ? theta * dynamicGrowth(scaling, rotaryDim, contextLength) : theta;
  const divisors = scaling.type === 'longrope' ? longropeFactors(scaling, contextLength) : factors;
  const ramp = scaling.type === 'yarn' ? yarnRamp(scaling, theta, rotaryDim) : null;
  return Float64Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const frequency = base ** ((-2 * i) / rotaryDim);
    switch (scaling.type) {
      case 'none':
      case 'dynamic':
        return frequency;
      case 'linear':
        return frequency / scaling.factor;
      case 'factors':
        return frequency / (factors?.[i] ?? Number.NaN);
      case 'longrope':
        return frequency / Number((typeof divisors === 'string' ? factors : divisors)?.[i] ?? Number.NaN);
      case 'llama3':
        return llama3Frequency(frequency, scaling);
      case 'yarn': {
        const divided = ramp?.(i) ?? Number.NaN;
        return divided * (frequency / scaling.factor) + (1 - divided) * frequency;
      }
    }
  });
}

/** The weight that holds the factors of a session of that length; null where the scaling reads none. */
export function factorsWeight(scaling: RopeScaling, contextLength: number): WeightName | null {
  if (scaling.type === 'factors') return scaling.weight;
  const factors = scaling.type === 'longrope' ? longropeFactors(scaling, contextLength) : null;
  return typeof factors === 'string' ? factors : null;
}

/** What cosines and sines are multiplied by. */
export function ropeAmplitude({ scaling }: RopeParameters): number {
  return 'attentionFactor' in scaling ? scaling.attentionFactor : 1;
}

/** High frequencies stay, low ones are divided by `factor`, those between are blended by wavelength. */
function llama3Frequency(frequency: number, scaling: ScalingOf<'llama3'>): number {
  const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
  const turns = (originalContextLength * frequency) / (2 * Math.PI);
  // In this order, where a file has the two the wrong way round: as Transformers.
  if (turns < lowFreqFactor) return frequency / factor;
  if (turns > highFreqFactor) return frequency;
  const blend = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return (1 - blend) * (frequency / factor) + blend * frequency;
}

function longropeFactors(scaling: ScalingOf<'longrope'>, contextLength: number): RopeFactors {
  return contextLength > scaling.originalContextLength ? scaling.long : scaling.short;
}

/** Of theta: beyond the original context, so that the slowest pair turns no further than it did over that. */
function dynamicGrowth(scaling: ScalingOf<'dynamic'>, rotaryDim: number, contextLength: number): number {
  const { factor, originalContextLength } = scaling;
  const length = Math.max(contextLength, originalContextLength);
  return ((factor * length) / originalContextLength - (factor - 1)) ** (rotaryDim / (rotaryDim - 2));
}

/** Share of a pair that is divided: 0 for the fast ones, 1 for the slow ones. */
function yarnRamp(scaling: ScalingOf<'yarn'>, theta: number, rotaryDim: number): (pair: number) => number {
  const { betaFast, betaSlow, isTruncated, originalContextLength } = scaling;
  // The pair, between whole ones, that turns so often over the original context.
  const pairOf = (turns: number): number =>
    (rotaryDim * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [pairOf(betaFast), pairOf(betaSlow)];
  const low = Math.max(isTruncated ? Math.floor(first) : first, 0);
  const high = Math.min(isTruncated ? Math.ceil(last) : last, rotaryDim - 1);
  // A ramp without a length is a step.
  const length = low === high ? 0.001 : high - low;
  return (pair) => Math.min(Math.max((pair - low) / length, 0), 1);
}
