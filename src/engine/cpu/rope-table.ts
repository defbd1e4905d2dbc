// The cosines and sines that the rope kernel rotates by: angles, cosines and sines in double, one rounding to f32 each.
// Scaling rules: program.ts, RopeScaling.
import type { RopeParameters } from '../program/program.ts';

/**
 * Angle per position of each pair, in radians: theta^(−2i/rotaryDim), scaled.
 *
 * @param factors content of the `factors` weight, where the scaling names one
 */
export function ropeFrequencies(rope: RopeParameters, factors: Float32Array | null): Float64Array {
  const { theta, rotaryDim, scaling } = rope;
  return Float64Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const frequency = theta ** ((-2 * i) / rotaryDim);
    switch (scaling.type) {
      case 'none':
        return frequency;
      case 'linear':
        return frequency / scaling.factor;
      case 'factors':
        return frequency / (factors?.[i] ?? Number.NaN);
      case 'llama3':
        return llama3Frequency(frequency, scaling);
    }
  });
}

/** High frequencies stay, low ones are divided by `factor`, those between are blended by wavelength. */
function llama3Frequency(frequency: number, scaling: Extract<RopeParameters['scaling'], { type: 'llama3' }>): number {
  const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
  const turns = (originalContextLength * frequency) / (2 * Math.PI);
  if (turns > highFreqFactor) return frequency;
  if (turns < lowFreqFactor) return frequency / factor;
  const blend = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return (1 - blend) * (frequency / factor) + blend * frequency;
}

/** Fills `table` [positions, 2, rotaryDim / 2], cosines before sines, from `firstPosition` on. */
export function fillRopeTable(table: Float32Array, frequencies: Float64Array, firstPosition: number): void {
  const half = frequencies.length;
  for (let row = 0; row * 2 * half < table.length; row++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = (firstPosition + row) * frequency;
      table[row * 2 * half + i] = Math.cos(angle);
      table[row * 2 * half + half + i] = Math.sin(angle);
    }
  }
}
