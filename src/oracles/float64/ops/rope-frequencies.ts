// The angle per position of each rotation pair, in radians: f_i = theta^(−2i/rotaryDim), then scaled. Sources: Su et al.
// 2021 (RoFormer) eq. 15; linear: Chen et al. 2023; llama3: the rule published with Llama 3.1, by wavelength.
import type { RopeParameters, RopeScaling } from '../../../engine/program/program.ts';

/**
 * @param factors what the weight of `factors` scaling holds; null for the others
 * @returns [rotaryDim / 2]
 */
export function ropeFrequencies(rope: RopeParameters, factors: Float64Array | null): Float64Array {
  const { theta, rotaryDim, scaling } = rope;
  const plain = Float64Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** ((-2 * i) / rotaryDim));
  switch (scaling.type) {
    case 'none':
      return plain;
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'factors':
      return plain.map((frequency, i) => frequency / (factors?.[i] ?? Number.NaN));
    case 'llama3':
      return plain.map((frequency) => llama3(frequency, scaling));
  }
}

/**
 * Waves shorter than originalContextLength / highFreqFactor stay, those longer than originalContextLength /
 * lowFreqFactor are stretched by `factor`; in between the two are mixed, linearly in 1 / wavelength.
 */
function llama3(frequency: number, scaling: Extract<RopeScaling, { type: 'llama3' }>): number {
  const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalContextLength / highFreqFactor) return frequency;
  if (wavelength > originalContextLength / lowFreqFactor) return frequency / factor;
  const kept = (originalContextLength / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return kept * frequency + (1 - kept) * (frequency / factor);
}
