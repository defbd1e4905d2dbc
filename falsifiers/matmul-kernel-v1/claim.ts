// One falsifier for the matrix product of every stored type: the kernel between guards on searched blocks and activations,
// on blocks of trained weights with activations of the trained models, and against other people's numbers: what Transformers
// recorded (float types), or activations that it recorded times what an independent implementation made of the blocks. Within the
// proven budget of a sum of products, and the same bits for a token alone (which takes its own path through some kernels)
// as in the batch. The type is handed in, so that a claim depends on its own type alone.
import fc from 'fast-check';
import type { Arithmetic } from '../../src/diagnosis/reference/arithmetic.ts';
import { matmulJudgement, productBudget } from '../../src/diagnosis/ops/matmul.ts';
import type { Kernel } from '../../src/engine/cpu/kernels/define-kernel.ts';
import type { MatmulFunctions } from '../../src/engine/cpu/kernels/matmul.ts';
import type { TensorType } from '../../src/engine/formats/tensor-types/tensor-type.ts';
import { dequantizeBlocks } from '../../src/oracles/float64/dequantize/dequantize-blocks.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { budgetRatio, CPU_ARITHMETIC, FOREIGN_ARITHMETIC, type Should } from '../kit/judges/budget-ratio.ts';
import { GuardedMemory } from '../kit/judges/guarded-memory.ts';
import { plainBytes } from '../kit/claims/kernel-trial.ts';
import {
  makeValues,
  NON_FINITE,
  SMALL_SPECIALS,
  SPECIAL_HALVES,
  valuesRecipe,
  type ValuesRecipe,
} from '../kit/arbitraries/kernel-values.ts';
import { known } from '../kit/claims/known-faults.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { recordedBlocks } from '../kit/models/recorded-blocks.ts';
import { smolLm2Run } from '../kit/models/smollm2-stages.ts';
import { LIVE_SLICES, needsOf, trainedSlices } from '../kit/models/trained-blocks.ts';
import type { StoredType } from '../kit/types/stored-type.ts';
import { columns, LAYERS, PACK_RUNS, recordedRuns, trainedRuns, type StageRun } from '../kit/models/trained-stages.ts';

interface Input {
  rowCount: number;
  columnCount: number;
  /** Blocks of the type, row after row. */
  weights: Uint8Array;
  /** [tokens, columnCount] */
  x: Float32Array;
  /** Channels between two rows of the output, beyond rowCount. */
  spareStride: number;
}

interface Recipe {
  rowCount: number;
  columnCount: number;
  tokens: number;
  spareStride: number;
  weightSeed: number;
  /** Float16 fields with unusual bits: `at` counts modulo their number. */
  halves: { at: number; bits: number }[];
  x: ValuesRecipe;
}

const GENERATED_CASES = 150;
/** Every eighth slice of trained blocks. */
const SLICES = 8;
/** The width of the bundled model: every slice of blocks is read as rows of it. */
const MODEL_COLUMNS = 256;
const LIVE_ROWS = 61;
const LIVE_TOKENS = 9;

/** Around chunks of 256 columns, and every remainder where a column is a block. */
function columnCounts(elements: number): number[] {
  if (elements === 1) return [1, 2, 3, 4, 5, 31, 33, 127, 129, 255, 256, 257, 259, 514, 771];
  return elements === 32 ? [32, 64, 96, 224, 256, 288, 544, 800] : [256, 512, 768];
}

function recipesOf({ blockElements }: TensorType): fc.Arbitrary<Recipe> {
  return fc.record({
    rowCount: fc.constantFrom(1, 2, 7, 8, 9, 15, 16, 17),
    columnCount: fc.constantFrom(...columnCounts(blockElements)),
    tokens: fc.constantFrom(1, 2, 3, 4, 5),
    spareStride: fc.nat(2),
    weightSeed: fc.nat(),
    halves: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Recipe['halves']>([]) },
      {
        weight: 1,
        arbitrary: fc.array(fc.record({ at: fc.nat(), bits: fc.constantFrom(...SPECIAL_HALVES) }), { maxLength: 3 }),
      },
    ),
    x: valuesRecipe([0, -4, 3, -22, 10], [...SMALL_SPECIALS, ...NON_FINITE]),
  });
}

interface Beside {
  /** Whose trained matrices are widened to float32, as no file has matrices in it; for f32 alone. */
  lender?: StoredType | null;
  /** Activations of a model that has the type, beside those that every type is multiplied with. */
  ownRun?: ((context: PartContext) => Promise<StageRun>) | null;
}

/** @param faults names of the catalogue, beside those that every type shows */
export function matmulClaim(stored: StoredType, faults = '', beside: Beside = {}): Falsifier {
  const { lender = null, ownRun = null } = beside;
  const { type, kernel, exact } = stored;
  const sources = needsOf(lender ?? stored);
  const measure = async (context: PartContext, input: Input, should: Should): Promise<number> => {
    const values = await multiply(kernel, input);
    context.output(plainBytes(values));
    return budgetRatio(values, should);
  };
  const shouldBe = (input: Input): Should =>
    shouldOf(type, input, dequantizeBlocks(type, exact, input.weights), CPU_ARITHMETIC);
  const isFloat = type.label === 'f32' || type.label === 'f16';
  return {
    parts: {
      generated: {
        planned: GENERATED_CASES,
        run: (context) =>
          context.search(recipesOf(type), context.planned, (recipe) => {
            const input = make(type, recipe);
            return measure(context, input, shouldBe(input));
          }),
      },
      live: {
        needs: [...new Set(['model:sums-2m' as const, 'model:smollm2' as const, ...sources])],
        planned: sources.length * SLICES * (ownRun === null ? 2 : 3),
        run: (context) =>
          eachTrainedMatrix(context, stored, beside, async (input, where) =>
            context.measure(await measure(context, input, shouldBe(input)), where),
          ),
      },
      oracle: {
        planned: isFloat ? PACK_RUNS * LAYERS : LAYERS,
        run: (context) =>
          (isFloat ? eachRecordedProduct : eachRecordedDequantisation)(context, type, async (input, should, where) =>
            context.measure(await measure(context, input, should), where),
          ),
      },
    },
    faults: known(
      matmulJudgement.faults,
      `W11 P1-small${type.blockElements === 1 ? ' G1-small' : ''} ${faults}`.trim(),
    ),
  };
}

/** The code around the decoders is one for all types: these are seen with one float type and one quantised one. */
export const REPRESENTATIVE_FAULTS = 'C7-small G6-small P1-in-live P1-in-oracle';

function make(type: TensorType, { rowCount, columnCount, tokens, spareStride, weightSeed, halves, x }: Recipe): Input {
  const weights = blocksFrom(type, rowCount * columnCount, weightSeed, halves);
  return { rowCount, columnCount, weights, spareStride, x: makeValues(x, tokens * columnCount) };
}

/** Any bytes, with float16 fields of a usual size: 2^-8 to 2^-5, and smaller where 6-bit scales multiply them. */
function blocksFrom(type: TensorType, elementCount: number, seed: number, specials: Recipe['halves']): Uint8Array {
  const { label, blockElements, blockBytes, halves } = type;
  const random = new SeededRandom(seed);
  const blockCount = elementCount / blockElements;
  if (label === 'f32' || label === 'bf16') {
    const floats = new Uint8Array(Float32Array.from({ length: elementCount }, () => random.unit() - 0.5).buffer);
    return label === 'f32' ? floats : floats.filter((_, i) => i % 4 >= 2);
  }
  const bytes = random.bytes(blockCount * blockBytes);
  const view = new DataView(bytes.buffer);
  const fields = Array.from({ length: blockCount }, (_, block) => halves.map((at) => block * blockBytes + at)).flat();
  const exponent = label.endsWith('_k') ? 2 : 7;
  for (const at of fields) {
    view.setUint16(at, (view.getUint16(at, true) & 0x83ff) | ((exponent + random.below(4)) << 10), true);
  }
  for (const { at, bits } of specials) view.setUint16(fields[at % fields.length] ?? 0, bits, true);
  return bytes;
}

/**
 * [tokens, rowCount]. Infinite throughout where the kernel wrote outside of its output; infinite for a token that alone
 * gives other bits than in the batch.
 */
async function multiply(kernel: Kernel<MatmulFunctions>, input: Input): Promise<Float32Array> {
  const { rowCount, columnCount, weights, x, spareStride } = input;
  const tokens = x.length / columnCount;
  const stride = rowCount + spareStride;
  const memory = new GuardedMemory();
  const { matmul, scratchByteLength } = await kernel.instantiate(memory.memory);
  // Room behind the blocks: a decoder may load whole vectors past a tail, as it may in the engine's memory.
  const blocks = memory.put(weights);
  const scratch = memory.put(new Uint8Array(scratchByteLength(tokens)).fill(0xff));
  const [out, activations] = [memory.room(tokens * stride), memory.put(x)];
  matmul(out, stride, activations, blocks, rowCount, columnCount, tokens, scratch);
  const rows = memory.read(out, tokens * stride);
  const isSpareTouched = rows.some((value, i) => i % stride >= rowCount && !Number.isNaN(value));
  const values = rows.filter((_, i) => i % stride < rowCount);
  const alone = memory.room(rowCount);
  for (let t = 0; t < tokens; t++) {
    matmul(alone, rowCount, activations + 4 * t * columnCount, blocks, rowCount, columnCount, 1, scratch);
    const batch = values.subarray(t * rowCount, (t + 1) * rowCount);
    if (!memory.read(alone, rowCount).every((value, r) => Object.is(value, batch[r]))) batch.fill(Infinity);
  }
  return memory.brokenGuards().length > 0 || isSpareTouched ? values.fill(Infinity) : values;
}

/** @param w [rowCount, columnCount], what the blocks mean */
function shouldOf(
  type: TensorType,
  { rowCount, columnCount, x }: Input,
  w: ArrayLike<number>,
  arithmetic: Arithmetic,
): Should {
  const tokens = x.length / columnCount;
  const y = new Float64Array(tokens * rowCount);
  const magnitude = new Float64Array(tokens * rowCount);
  for (let t = 0; t < tokens; t++) {
    for (let r = 0; r < rowCount; r++) {
      let [sum, sizes] = [0, 0];
      for (let c = 0; c < columnCount; c++) {
        const product = (w[r * columnCount + c] ?? Number.NaN) * (x[t * columnCount + c] ?? Number.NaN);
        sum += product;
        sizes += Math.abs(product);
      }
      y[t * rowCount + r] = sum;
      magnitude[t * rowCount + r] = sizes;
    }
  }
  const sums = { length: columnCount, magnitude, stepMagnitude: null };
  return productBudget({
    inputs: [Float64Array.from(x)],
    reference: y,
    sums,
    isWeightRounded: !type.isExact,
    arithmetic,
  });
}

/** Trained blocks times activations of each trained model: after the norm of a layer's feed-forward. */
async function eachTrainedMatrix(
  context: PartContext,
  stored: StoredType,
  { lender = null, ownRun = null }: Beside,
  judge: (input: Input, where: string) => Promise<void>,
): Promise<void> {
  const { type } = stored;
  const runs = [(await trainedRuns(context)).at(-1) as StageRun, await smolLm2Run(context)];
  if (ownRun !== null) runs.push(await ownRun(context));
  let n = 0;
  for await (const { blocks, where } of trainedSlices(context, lender ?? stored)) {
    if (n++ % (LIVE_SLICES / SLICES) !== 0) continue;
    const matrix = lender === null ? blocks : widened(lender, blocks);
    for (const run of runs) {
      const layer = run.layers[Math.floor(n / (LIVE_SLICES / SLICES)) % run.layers.length] ?? 0;
      const { x, columnCount } = wholeBlocks(type, run.stage(layer, 'ffn_norm'), run.model.modelDim);
      const { rowCount, weights } = asRows(type, matrix, columnCount);
      const input = { rowCount, columnCount, weights, x: x.slice(0, LIVE_TOKENS * columnCount), spareStride: 0 };
      await judge(input, `${where}, times ${run.where}, layer ${layer}`);
    }
  }
}

function widened({ type, exact }: StoredType, blocks: Uint8Array): Uint8Array {
  return new Uint8Array(Float32Array.from(dequantizeBlocks(type, exact, blocks)).buffer);
}

/** As many channels of every row as fill blocks: 512 of SmolLM2's 576 where a block has 256. */
function wholeBlocks(
  { blockElements }: TensorType,
  rows: Float32Array,
  width: number,
): { x: Float32Array; columnCount: number } {
  const columnCount = Math.floor(width / blockElements) * blockElements;
  return { x: columns(rows, width, 0, columnCount), columnCount };
}

function asRows(
  { blockElements, blockBytes }: TensorType,
  blocks: Uint8Array,
  columnCount: number,
): { rowCount: number; weights: Uint8Array } {
  const rowBytes = (columnCount / blockElements) * blockBytes;
  const rowCount = Math.min(LIVE_ROWS, Math.floor(blocks.length / rowBytes));
  return { rowCount, weights: blocks.slice(0, rowCount * rowBytes) };
}

type JudgeRecorded = (input: Input, should: Should, where: string) => Promise<void>;

/** Gates that Transformers multiplied itself, in float32, from float16 weights: within both engines' budgets. */
async function eachRecordedProduct(context: PartContext, type: TensorType, judge: JudgeRecorded): Promise<void> {
  for (const run of await recordedRuns(context, ['ffn_norm', 'ffn_gate'])) {
    for (let layer = 0; layer < LAYERS; layer++) {
      const w = run.model.weight(`blk.${layer}.ffn_gate.weight`) ?? new Float64Array(0);
      const stored = type.label === 'f32' ? Float32Array.from(w) : Float16Array.from(w);
      const input: Input = {
        rowCount: w.length / MODEL_COLUMNS,
        columnCount: MODEL_COLUMNS,
        weights: new Uint8Array(stored.buffer),
        x: run.stage(layer, 'ffn_norm'),
        spareStride: 0,
      };
      const [ours, theirs] = [CPU_ARITHMETIC, FOREIGN_ARITHMETIC].map(
        (arithmetic) => shouldOf(type, input, w, arithmetic).proven,
      ) as [ArrayLike<number>, ArrayLike<number>];
      const proven = Float64Array.from(ours, (budget, i) => budget + (theirs[i] ?? Number.NaN));
      await judge(input, { reference: run.stage(layer, 'ffn_gate'), proven }, `${run.where}, layer ${layer}, ffn_gate`);
    }
  }
}

/** A row with a weight beyond this may overflow on the way, which an infinite result would hide. */
const LARGEST_WEIGHT = 2 ** 100;

/** Blocks as an independent implementation read them, times activations that Transformers recorded, summed in double. */
async function eachRecordedDequantisation(context: PartContext, type: TensorType, judge: JudgeRecorded): Promise<void> {
  const { blocks, values: decoded } = await recordedBlocks(context, type);
  const rowBytes = (MODEL_COLUMNS / type.blockElements) * type.blockBytes;
  const kept = Array.from({ length: Math.floor(blocks.length / rowBytes) }, (_, row) => row).filter((row) =>
    decoded
      .subarray(row * MODEL_COLUMNS, (row + 1) * MODEL_COLUMNS)
      .every((value) => !(Math.abs(value) > LARGEST_WEIGHT)),
  );
  const weights = new Uint8Array(kept.flatMap((row) => [...blocks.subarray(row * rowBytes, (row + 1) * rowBytes)]));
  const w = kept.flatMap((row) => [...decoded.subarray(row * MODEL_COLUMNS, (row + 1) * MODEL_COLUMNS)]);
  const [run] = await recordedRuns(context, ['ffn_norm']);
  if (run === undefined) throw new Error('there is no recorded run');
  for (let layer = 0; layer < LAYERS; layer++) {
    const x = run.stage(layer, 'ffn_norm').slice(0, 5 * MODEL_COLUMNS);
    const input: Input = { rowCount: kept.length, columnCount: MODEL_COLUMNS, weights, x, spareStride: 0 };
    const should = shouldOf(type, input, w, CPU_ARITHMETIC);
    await judge(input, should, `${kept.length} recorded rows, ${run.where}, layer ${layer}`);
  }
}
