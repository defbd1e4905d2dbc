// The decoder of every stored type, as a token's embedding shows it: rows of any bytes, rows of the bundled model, and blocks that an
// independent implementation decoded. What counts is bits: a decoder gives the stored number where float32 has it, else one of its two
// neighbours; what is too small to be normal may be a zero.
import fc from 'fast-check';
import type { WeightSource } from '../../src/engine/program/executor.ts';
import { ProgramBuilder } from '../../src/engine/program/program-builder.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { embed } from '../../src/oracles/float64/ops/embed.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { SPECIAL_HALVES } from '../kit/arbitraries/kernel-values.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { plainBytes } from '../kit/claims/kernel-trial.ts';
import { recordedBlocks } from '../kit/models/recorded-blocks.ts';
import { smallProgram, type Made } from './small-program.ts';
import { CHECKED, orBeyondEnd, runPieces, withExecutor } from './trial.ts';

export const TYPES = Object.keys(TENSOR_TYPES) as TensorTypeName[];
/** Of the oracle part: what an implementation makes of a float32 is a copy. */
const RECORDED_TYPES = TYPES.filter((type) => type !== 'f32');
const CASES_OF_A_TYPE = 6;
const LIVE_FILES = ['sums-2m.q4_k_m.gguf', 'sums-2m.f16.gguf'];
const LIVE_ROWS = 48;
const MATRICES = [
  'token_embd',
  'blk.0.attn_q',
  'blk.1.attn_v',
  'blk.2.ffn_gate',
  'blk.3.ffn_down',
  'blk.3.attn_output',
];
const SMALLEST_NORMAL = 2 ** -126;

interface Recipe {
  rows: number;
  columns: number;
  seed: number;
  halves: { at: number; bits: number }[];
}

function recipesOf(type: TensorTypeName): fc.Arbitrary<Recipe> {
  const { blockElements } = TENSOR_TYPES[type];
  const lengths =
    blockElements === 1 ? [1, 2, 3, 5, 31, 33, 65, 2081] : [1, 2, 3, 5, 9, 65].map((n) => n * blockElements);
  return fc.record({
    rows: fc.constantFrom(1, 2, 3, 5, 8, 9),
    columns: fc.constantFrom(...lengths.filter((length) => length < 2400)),
    seed: fc.nat(),
    halves: fc.array(fc.record({ at: fc.nat(), bits: fc.constantFrom(...SPECIAL_HALVES) }), { maxLength: 6 }),
  });
}

function bytesOf(type: TensorTypeName, { rows, columns, seed, halves }: Recipe): Uint8Array {
  const { blockBytes, blockElements, halves: fields } = TENSOR_TYPES[type];
  const blocks = (rows * columns) / blockElements;
  const bytes = new SeededRandom(seed).bytes(blocks * blockBytes);
  const view = new DataView(bytes.buffer);
  const places = Array.from({ length: blocks }, (_, block) => fields.map((at) => block * blockBytes + at)).flat();
  for (const { at, bits } of halves) if (places.length > 0) view.setUint16(places[at % places.length] ?? 0, bits, true);
  return bytes;
}

/** One position for each row of the table; `head` keeps the logits out of it. */
function lookUp(type: TensorTypeName, bytes: Uint8Array, rows: number, columns: number): Made {
  return smallProgram({ positions: rows, seed: 1, typeOf: () => type, given: { table: bytes } }, ({ builder }) => {
    builder.embed('embedding', 'table', rows, columns);
    return null;
  });
}

async function embedded(context: PartContext, made: Made, rows: number): Promise<Float32Array> {
  return withExecutor(
    context,
    made,
    async (executor) => {
      const lengths =
        rows > 64 ? [...Array<number>(Math.floor(rows / 64)).fill(64), rows % 64].filter((n) => n > 0) : [rows];
      const pieces = await runPieces(executor, lengths);
      const all = pieces.flatMap(({ values }) => [...(values.get('layer-0/embedding') ?? [])]);
      return Float32Array.from(all);
    },
    CHECKED,
  );
}

/** Elements that are not what is stored. */
function misread(ours: Float32Array, exact: ArrayLike<number>): number {
  if (ours.length !== exact.length || ours.length === 0) return Number.NaN;
  return ours.reduce((count, value, i) => count + (isRead(value, exact[i] ?? Number.NaN) ? 0 : 1), 0);
}

function isRead(value: number, exact: number): boolean {
  const nearest = Math.fround(exact);
  if (Object.is(value, nearest)) return true;
  if (Math.abs(exact) < SMALLEST_NORMAL && value === 0) return true;
  return nearest !== exact && Number.isFinite(value) && Math.abs(value - exact) < Math.abs(nearest) * 2 ** -23;
}

async function decode(context: PartContext, type: TensorTypeName, recipe: Recipe): Promise<number> {
  const { rows, columns } = recipe;
  const made = lookUp(type, bytesOf(type, recipe), rows, columns);
  const ours = await embedded(context, made, rows);
  context.output(plainBytes(ours));
  return misread(
    ours,
    await embed(
      Array.from({ length: rows }, (_, row) => row),
      made.weights,
      'table',
    ),
  );
}

/** Rows of some matrices of a file, under the file's own types. */
async function liveRows(context: PartContext, file: string): Promise<void> {
  const model = await context.openModel(context.model('model:sums-2m', file));
  try {
    for (const name of MATRICES)
      context.measure(await rowsOf(context, model.weights, `${name}.weight`), `${file}, ${name}`);
  } finally {
    await model.close();
  }
}

async function rowsOf(context: PartContext, weights: WeightSource, name: string): Promise<number> {
  const [rows = 0, columns = 0] = weights.info(name)?.shape ?? [];
  const b = new ProgramBuilder();
  const out = b.inLayer(0).embed('embedding', name, rows, columns);
  const of = { architecture: 'small', layerCount: 1, vocabSize: rows, contextLength: rows };
  // Their logits are never asked for.
  const program = b.finish(of, b.matmul('lm_head', out, 'head', rows));
  const head = new Uint8Array(4 * rows * columns);
  const source: WeightSource = {
    info: (of) =>
      of === 'head' ? { name: of, type: 'f32', shape: [rows, columns], byteLength: head.length } : weights.info(of),
    read: async (of, at, into) => (of === 'head' ? undefined : weights.read(of, at, into)),
  };
  const made = { program, weights: source };
  const count = Math.min(rows, LIVE_ROWS);
  const ours = await embedded(context, made, count);
  context.output(plainBytes(ours));
  return misread(
    ours,
    await embed(
      Array.from({ length: count }, (_, row) => row),
      source,
      name,
    ),
  );
}

async function recorded(context: PartContext, type: TensorTypeName): Promise<void> {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const { blocks, values } = await recordedBlocks(context, TENSOR_TYPES[type]);
  // A few blocks a row, so that they are read from every place in it.
  const perRow = Math.max(1, Math.floor(96 / blockElements));
  const rows = Math.min(256, Math.floor(blocks.length / blockBytes / perRow));
  const columns = perRow * blockElements;
  const made = lookUp(type, blocks.subarray(0, rows * perRow * blockBytes), rows, columns);
  const ours = await embedded(context, made, rows);
  context.output(plainBytes(ours));
  context.measure(
    TENSOR_TYPES[type].isExact ? misread(ours, values.subarray(0, rows * columns)) : neighbours(ours, values),
    type,
  );
}

/** Both rounded the same sum once; recorded values are the nearest. */
function neighbours(ours: Float32Array, recordedValues: Float32Array): number {
  return ours.reduce((count, value, i) => {
    const theirs = recordedValues[i] ?? Number.NaN;
    const isNear =
      Object.is(value, theirs) || (Number.isFinite(value) && Math.abs(value - theirs) <= Math.abs(theirs) * 2 ** -23);
    return count + (isNear || (Math.abs(theirs) < SMALLEST_NORMAL && value === 0) ? 0 : 1);
  }, 0);
}

export const decoderParts: Falsifier['parts'] = {
  generated: {
    planned: TYPES.length * CASES_OF_A_TYPE,
    async run(context) {
      for (const type of TYPES) {
        await context.search(recipesOf(type), context.planned / TYPES.length, (recipe) =>
          orBeyondEnd(() => decode(context, type, recipe)),
        );
      }
    },
  },
  live: {
    needs: ['model:sums-2m'],
    planned: LIVE_FILES.length * MATRICES.length,
    async run(context) {
      for (const file of LIVE_FILES) await liveRows(context, file);
    },
  },
  oracle: {
    planned: RECORDED_TYPES.length,
    async run(context) {
      for (const type of RECORDED_TYPES) await recorded(context, type);
    },
  },
};
