// The angle per position of each rotation pair, in radians: f_i = theta^(−2i/rotaryDim), then scaled; and what cosines
// and sines are multiplied by. Sources: Su et al. 2021 (RoFormer) eq. 15; linear: Chen et al. 2023; llama3: the rule
// published with Llama 3.1, by wavelength; yarn: Peng et al. 2023 (arXiv:2309.00071) §3.2 to 3.4; longrope: Ding et
// al. 2024 (arXiv:2402.13753); dynamic: "NTK-aware" scaling of the base, by length.
import type { RopeParameters, RopeScaling, WeightName } from '../../../engine/program/program.ts';

type ScalingOf<Type extends RopeScaling['type']> = Extract<RopeScaling, { type: Type }>;

/**
 * @param factors what the weight of `ropeFactorsWeight` holds; null where there is none
 * @param contextLength positions of the session; read where the scaling depends on it
 * @returns [rotaryDim / 2]
 * @throws RangeError where the length is needed and absent
 */
export function ropeFrequencies(
  rope: RopeParameters,
  factors: Float64Array | null,
  contextLength?: number,
): Float64Array {
  const { theta, rotaryDim, scaling } = rope;
  const pairs = Float64Array.from({ length: rotaryDim / 2 }, (_, i) => i);
  const plain = pairs.map((i) => theta ** ((-2 * i) / rotaryDim));
  switch (scaling.type) {
    case 'none':
      return plain;
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'factors':
      return plain.map((frequency, i) => frequency / (factors?.[i] ?? Number.NaN));
    case 'llama3':
      return plain.map((frequency) => llama3(frequency, scaling));
    case 'yarn':
      return yarn(plain, scaling, rope);
    case 'longrope': {
      const chosen = isBeyond(scaling, contextLength) ? scaling.long : scaling.short;
      const divisors = typeof chosen === 'string' ? factors : chosen;
      return plain.map((frequency, i) => frequency / (divisors?.[i] ?? Number.NaN));
    }
    case 'dynamic': {
      if (!isBeyond(scaling, contextLength)) return plain;
      // How far the length goes beyond the original one, times the factor, and 1.
      const excess = (scaling.factor * (contextLength ?? Number.NaN)) / scaling.originalContextLength - scaling.factor;
      const base = theta * (1 + excess) ** (rotaryDim / (rotaryDim - 2));
      return pairs.map((i) => base ** ((-2 * i) / rotaryDim));
    }
  }
}

/** The weight whose content is the factors of a session of that length. */
export function ropeFactorsWeight({ scaling }: RopeParameters, contextLength?: number): WeightName | null {
  if (scaling.type === 'factors') return scaling.weight;
  if (scaling.type !== 'longrope') return null;
  const chosen = isBeyond(scaling, contextLength) ? scaling.long : scaling.short;
  return typeof chosen === 'string' ? chosen : null;
}

/** Of cosines and sines: 1 but for scalings with an attention factor. */
export function ropeAttentionFactor({ scaling }: RopeParameters): number {
  return scaling.type === 'yarn' || scaling.type === 'longrope' ? scaling.attentionFactor : 1;
}

function isBeyond(scaling: ScalingOf<'longrope' | 'dynamic'>, contextLength: number | undefined): boolean {
  if (contextLength === undefined) {
    throw new RangeError(`${scaling.type} scaling depends on the length of the session, which was not given`);
  }
  return contextLength > scaling.originalContextLength;
}

/**
 * Waves shorter than originalContextLength / highFreqFactor stay, those longer than originalContextLength /
 * lowFreqFactor are stretched by `factor`; in between the two are mixed, linearly in 1 / wavelength.
 */
function llama3(frequency: number, scaling: ScalingOf<'llama3'>): number {
  const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  // The long ones first, for a file that has the two numbers the wrong way round: as Transformers.
  if (wavelength > originalContextLength / lowFreqFactor) return frequency / factor;
  if (wavelength < originalContextLength / highFreqFactor) return frequency;
  const kept = (originalContextLength / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return kept * frequency + (1 - kept) * (frequency / factor);
}

/**
 * By the number of a pair: up to the one that turns betaFast times over the original context a frequency is kept, from
 * the one that turns betaSlow times it is divided by `factor`, linearly in between. Both ends are held within 0 and
 * rotaryDim − 1, as the reference implementation has it, although there are only half as many pairs.
 */
function yarn(plain: Float64Array, scaling: ScalingOf<'yarn'>, { theta, rotaryDim }: RopeParameters): Float64Array {
  const { factor, betaFast, betaSlow, isTruncated, originalContextLength } = scaling;
  // theta^(−2i/d) · context = 2π · turns, solved for i.
  const pairWith = (turns: number): number =>
    ((rotaryDim / 2) * Math.log(originalContextLength / (2 * Math.PI * turns))) / Math.log(theta);
  const whole = (value: number, round: (x: number) => number): number => (isTruncated ? round(value) : value);
  const start = Math.max(0, whole(pairWith(betaFast), Math.floor));
  let end = Math.min(rotaryDim - 1, whole(pairWith(betaSlow), Math.ceil));
  if (end === start) end += 0.001;
  return plain.map((frequency, i) => {
    const kept = 1 - Math.max(0, Math.min(1, (i - start) / (end - start)));
    return kept * frequency + (1 - kept) * (frequency / factor);
  });
}
