// The cosines and sines that rope kernels rotate by: angles, cosines and sines in double, one rounding to f32 each. The
// frequencies: rope-frequencies.ts.

/** Fills `table` [positions, 2, rotaryDim / 2], cosines before sines, from `firstPosition` on. */
export function fillRopeTable(
  table: Float32Array,
  frequencies: Float64Array,
  firstPosition: number,
  amplitude: number,
): void {
  const half = frequencies.length;
  for (let row = 0; row * 2 * half < table.length; row++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = (firstPosition + row) * frequency;
      table[row * 2 * half + i] = amplitude * Math.cos(angle);
      table[row * 2 * half + half + i] = amplitude * Math.sin(angle);
    }
  }
}
