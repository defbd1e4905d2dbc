// From the stages of a dump to the values of a program: a stage that is a value as it stands, or several values side by
// side (q, k, v); a leading batch of one and [heads, positions, head size] are put in our order. Scores are derived, not
// values, and are not looked at.
import { RefuteError } from '../../errors.ts';
import type { Program, Stage, ValueId } from '../../engine/program/program.ts';
import type { Dump, DumpTensor } from './open-dump.ts';

export interface DumpValues {
  has(value: ValueId): boolean;
  /** [rows, channels]; rows are all positions, or the last one. */
  read(value: ValueId): Promise<Float32Array>;
  /** Least precise type that any value was stored in, of those read so far. */
  coarsest(): DumpTensor['dtype'];
}

const BY_PRECISION: readonly DumpTensor['dtype'][] = ['f64', 'f32', 'f16', 'bf16'];

export function dumpValues(dump: Dump, program: Program, rowCount: number): DumpValues {
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const sources = new Map<ValueId, { stage: Stage; offset: number; total: number }>();
  for (const stage of program.stages) {
    if (!dump.has(stage.name, stage.layer)) continue;
    const { source } = stage;
    const values = source.from === 'value' ? [source.value] : source.from === 'concat' ? source.values : [];
    const total = values.reduce((sum, value) => sum + (widths.get(value) ?? 0), 0);
    let offset = 0;
    for (const value of values) {
      // A stage of its own is read rather than a part of a larger one.
      if (source.from === 'value' || !sources.has(value)) sources.set(value, { stage, offset, total });
      offset += widths.get(value) ?? 0;
    }
  }
  let coarsest: DumpTensor['dtype'] = 'f64';
  return {
    has: (value) => sources.has(value),
    coarsest: () => coarsest,
    read: async (value) => {
      const source = sources.get(value);
      if (source === undefined) throw new RangeError(`the dump has no ${value}`);
      const { stage, offset, total } = source;
      const tensor = await dump.read(stage.name, stage.layer);
      if (BY_PRECISION.indexOf(tensor.dtype) > BY_PRECISION.indexOf(coarsest)) coarsest = tensor.dtype;
      const rows = inOurOrder(tensor, rowCount, total, `${dump.label}: ${stage.name} of layer ${stage.layer}`);
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

function inOurOrder({ shape, data }: DumpTensor, rowCount: number, width: number, place: string): Float32Array {
  const extents = shape.length > 2 && shape[0] === 1 ? shape.slice(1) : shape;
  const [a, b, c] = extents;
  if (extents.length === 2 && a === rowCount && b === width) return data;
  if (extents.length === 3 && a === rowCount && (b ?? 0) * (c ?? 0) === width) return data;
  if (extents.length === 3 && b === rowCount && (a ?? 0) * (c ?? 0) === width)
    return headsLast(data, a ?? 0, b, c ?? 0);
  throw new RefuteError({
    code: 'E_DUMP_SHAPE',
    place,
    is: `its shape is [${shape.join(', ')}]`,
    allowed: `[${rowCount}, ${width}] is needed: positions, channels`,
  });
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
