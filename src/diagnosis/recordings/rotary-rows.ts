// q and k of a recording in the order of another: within each head, the two channels that are rotated together lie half
// a head apart, or side by side. Everything from the products to the rotated heads is in that order; v is not, and what
// comes after the attention is not.
import { rotaryLayoutOf, type RotaryLayout } from '../../engine/capture/rotary-layout.ts';
import type { FloatArray } from '../../engine/program/executor.ts';
import type { Program } from '../../engine/program/program.ts';
import type { Recording } from './recording.ts';

/** v stands last in these. */
const WITH_V = new Set(['qkv_matmul', 'qkv_bias']);
const ROTATED = new Set(['matmul', 'bias', 'norm', 'post_rope'].flatMap((name) => [`q_${name}`, `k_${name}`]));

/** As the program computes them. */
export function inRowsOf(program: Program, recording: Recording): Recording {
  const layout = rotaryLayoutOf(program);
  return layout === null ? recording : inRows(layout, recording);
}

/** As they are where the recording does not say its order. */
export function inRows(wanted: RotaryLayout, recording: Recording): Recording {
  const { rotaryRows, tensors } = recording;
  if (rotaryRows === null || rotaryRows === wanted.rows) return recording;
  return {
    ...recording,
    rotaryRows: wanted.rows,
    read: async (id) => {
      const rows = await recording.read(id);
      const tensor = tensors.get(id);
      const name = tensor?.name ?? '';
      if (!WITH_V.has(name) && !ROTATED.has(name)) return rows;
      const width = tensor?.shape.at(-1) ?? 0;
      const rotated = WITH_V.has(name) ? width - wanted.kvHeadCount * wanted.headDim : width;
      return { ...rows, data: reordered(rows.data, { width, rotated }, wanted) };
    },
  };
}

/** Heads lie one after the other in the last dimension, whatever dimensions are before it. */
function reordered(
  data: FloatArray,
  { width, rotated }: { width: number; rotated: number },
  { rows, headDim, rotaryDim }: RotaryLayout,
): FloatArray {
  const out = data.slice();
  const half = rotaryDim / 2;
  for (let start = 0; start < data.length; start += headDim) {
    if (start % width >= rotated) continue;
    for (let pair = 0; pair < half; pair += 1) {
      const [apart, beside] = [
        [start + pair, start + pair + half],
        [start + 2 * pair, start + 2 * pair + 1],
      ] as const;
      const [from, to] = rows === 'pairs' ? [apart, beside] : [beside, apart];
      out[to[0]] = data[from[0]] ?? Number.NaN;
      out[to[1]] = data[from[1]] ?? Number.NaN;
    }
  }
  return out;
}
