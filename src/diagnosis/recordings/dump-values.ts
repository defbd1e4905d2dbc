// From the stages of a recording to the values of a program: a value by its own name, a stage that is a value as it
// stands, or several values side by side (q, k, v); [heads, positions, head size] is put in our order. Scores are
// derived, not values, and are not looked at. Values that were computed in double precision are refused.
import { RefuteError } from '../../errors.ts';
import { stagesById } from '../../engine/capture/select.ts';
import type { Program, ValueId } from '../../engine/program/program.ts';
import { exactFloats, notFloat32 } from './floats.ts';
import type { Recording, StoredFloat } from './recording.ts';
import { inRowsOf } from './rotary-rows.ts';

export interface DumpValues {
  has(value: ValueId): boolean;
  /** [rows, channels]; rows are all positions, or the last one. */
  read(value: ValueId): Promise<Float32Array>;
  /** Least precise type that any value was stored in, of those read so far. */
  coarsest(): StoredFloat;
}

const BY_PRECISION: readonly StoredFloat[] = ['f64', 'f32', 'f16', 'bf16'];

/** @throws RefuteError E_DUMP_PRECISION, here and in `read`; `read` also E_DUMP_SHAPE and those of the recording */
export function dumpValues(recording: Recording, program: Program, rowCount: number): DumpValues {
  const dump = inRowsOf(program, recording);
  if (dump.dtype === 'float64') throw notFloat32(dump.label, 'its values were computed in float64');
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const sources = new Map<ValueId, { id: string; offset: number; total: number }>();
  for (const [id, { source }] of stagesById(program)) {
    if (!dump.tensors.has(id)) continue;
    const values = source.from === 'value' ? [source.value] : source.from === 'concat' ? source.values : [];
    const total = values.reduce((sum, value) => sum + (widths.get(value) ?? 0), 0);
    let offset = 0;
    for (const value of values) {
      // A tensor of its own is read rather than a part of a larger one.
      if (source.from === 'value' || !sources.has(value)) sources.set(value, { id, offset, total });
      offset += widths.get(value) ?? 0;
    }
  }
  let coarsest: StoredFloat = 'f64';
  return {
    has: (value) => sources.has(value),
    coarsest: () => coarsest,
    read: async (value) => {
      const source = sources.get(value);
      if (source === undefined) throw new RangeError(`the dump has no ${value}`);
      const { id, offset, total } = source;
      const { shape, data, dtype } = await dump.read(id);
      if (BY_PRECISION.indexOf(dtype) > BY_PRECISION.indexOf(coarsest)) coarsest = dtype;
      const place = `${dump.label}: ${id}`;
      const rows = inOurOrder(shape, exactFloats(data, place), rowCount, total, place);
      const width = widths.get(value) ?? 0;
      if (width === total) return rows;
      const part = new Float32Array(rowCount * width);
      for (let row = 0; row < rowCount; row += 1) {
        const at = row * total + offset;
        part.set(rows.subarray(at, at + width), row * width);
      }
      return part;
    },
  };
}

function inOurOrder(
  shape: readonly number[],
  data: Float32Array,
  rowCount: number,
  width: number,
  place: string,
): Float32Array {
  const [a = 0, b = 0, c = 0] = shape;
  if (shape.length === 3 && a === rowCount && b === rowCount && a * c === width) {
    const is = `its shape [${shape.join(', ')}] may be [positions, heads, size] or [heads, positions, size]`;
    const next = 'Record another number of tokens than there are heads, or two dimensions: positions, channels';
    throw new RefuteError({ code: 'E_DUMP_SHAPE', place, is, next });
  }
  if (shape.length === 2 && a === rowCount && b === width) return data;
  if (shape.length === 3 && a === rowCount && b * c === width) return data;
  if (shape.length === 3 && b === rowCount && a * c === width) return headsLast(data, a, b, c);
  const allowed = `[${rowCount}, ${width}] is needed: positions, channels`;
  throw new RefuteError({ code: 'E_DUMP_SHAPE', place, is: `its shape is [${shape.join(', ')}]`, allowed });
}

/** [heads, positions, size] -> [positions, heads, size]. */
function headsLast(data: Float32Array, heads: number, rows: number, size: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let head = 0; head < heads; head += 1) {
    for (let row = 0; row < rows; row += 1) {
      const from = (head * rows + row) * size;
      out.set(data.subarray(from, from + size), (row * heads + head) * size);
    }
  }
  return out;
}
