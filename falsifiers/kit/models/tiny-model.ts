// Small models made from a seed, as GGUF bytes: every architecture detail that a forward pass can get wrong is present
// (grouped heads, biases, both rotary pairings, a window, an explicit head size), and the weights look trained where it
// matters: norm gains near 1 but not equal, one loud channel, biases that are not zero. Not a model that says anything.
import { f32, ggufFile, text, u32, type GgufEntry, type GgufTensor } from './gguf-bytes.ts';
import { SeededRandom } from '../arbitraries/random.ts';
import { byteLengthOf, TENSOR_TYPES, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';

export interface TinyShape {
  architecture: 'llama' | 'qwen2';
  layerCount: number;
  modelDim: number;
  ffnDim: number;
  headCount: number;
  kvHeadCount: number;
  headDim: number;
  contextLength: number;
  ropeTheta: number;
  rmsNormEps: number;
  /** Positions that a query sees, itself included; null = all. */
  slidingWindow: number | null;
  isTied: boolean;
  /** Type of every matrix; norms and biases are float32. */
  matrixType: TensorTypeName;
}

export interface TinyModel {
  shape: TinyShape;
  vocabSize: number;
  /** The GGUF file. */
  bytes: Uint8Array;
  tensors: readonly GgufTensor[];
}

/** The 256 bytes as GPT-2 spells them, some merges, three control tokens. */
const MERGES = ['t h', 'i n', 'th e', 'Ġ a', 'o n', 'Ġ 2', 'e r', 'w h', 'wh a', 'wha t', 'i s', 'Ġ is', '? Ċ'];
const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
export const TINY_VOCAB_SIZE: number = 256 + MERGES.length + SPECIALS.length;

const CHAT_TEMPLATE =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const BASE: TinyShape = {
  architecture: 'qwen2',
  layerCount: 2,
  modelDim: 32,
  ffnDim: 64,
  headCount: 4,
  kvHeadCount: 2,
  headDim: 8,
  contextLength: 64,
  ropeTheta: 10_000,
  rmsNormEps: 1e-6,
  slidingWindow: null,
  isTied: true,
  matrixType: 'f32',
};

/** Shapes that between them have everything; `variant` counts through them. */
export function tinyShape(variant: number, changes: Partial<TinyShape> = {}): TinyShape {
  const variants: Partial<TinyShape>[] = [
    {},
    { architecture: 'llama', headCount: 6, kvHeadCount: 3, modelDim: 96, headDim: 16, isTied: false },
    { architecture: 'qwen2', headCount: 3, kvHeadCount: 1, modelDim: 64, headDim: 32, ropeTheta: 1_000_000 },
    { architecture: 'llama', slidingWindow: 5, matrixType: 'f16' },
    { architecture: 'qwen2', matrixType: 'q8_0', layerCount: 3, isTied: false },
    { architecture: 'llama', matrixType: 'q4_1', ffnDim: 96, rmsNormEps: 1e-5 },
  ];
  return { ...BASE, ...variants[variant % variants.length], ...changes };
}

export const TINY_VARIANT_COUNT = 6;

/** The model of a shape and a seed; the same bytes on every machine. */
export function tinyModel(shape: TinyShape, seed: number): TinyModel {
  const random = new SeededRandom(seed);
  const tensors = tensorPlan(shape).map(({ name, dimensions, role }) => ({
    name,
    dimensions,
    typeId: TENSOR_TYPES[role === 'matrix' ? shape.matrixType : 'f32'].ggmlId,
    bytes: tensorBytes(random, shape.matrixType, dimensions, role),
  }));
  const { bytes } = ggufFile({ metadata: metadataOf(shape), tensors });
  return { shape, vocabSize: TINY_VOCAB_SIZE, bytes, tensors };
}

interface PlannedTensor {
  name: string;
  /** Contiguous dimension first. */
  dimensions: number[];
  role: 'matrix' | 'gain' | 'bias';
}

function tensorPlan(shape: TinyShape): PlannedTensor[] {
  const { modelDim, ffnDim, headCount, kvHeadCount, headDim } = shape;
  const matrix = (name: string, rows: number, columns: number): PlannedTensor => ({
    name: `${name}.weight`,
    dimensions: [columns, rows],
    role: 'matrix',
  });
  const gain = (name: string): PlannedTensor => ({ name: `${name}.weight`, dimensions: [modelDim], role: 'gain' });
  const plan = [matrix('token_embd', TINY_VOCAB_SIZE, modelDim), gain('output_norm')];
  if (!shape.isTied) plan.push(matrix('output', TINY_VOCAB_SIZE, modelDim));
  for (let layer = 0; layer < shape.layerCount; layer++) {
    const projections: [string, number][] = [
      ['attn_q', headCount * headDim],
      ['attn_k', kvHeadCount * headDim],
      ['attn_v', kvHeadCount * headDim],
    ];
    for (const [name, rows] of projections) {
      plan.push(matrix(`blk.${layer}.${name}`, rows, modelDim));
      if (shape.architecture === 'qwen2') {
        plan.push({ name: `blk.${layer}.${name}.bias`, dimensions: [rows], role: 'bias' });
      }
    }
    plan.push(
      gain(`blk.${layer}.attn_norm`),
      matrix(`blk.${layer}.attn_output`, modelDim, headCount * headDim),
      gain(`blk.${layer}.ffn_norm`),
      matrix(`blk.${layer}.ffn_gate`, ffnDim, modelDim),
      matrix(`blk.${layer}.ffn_up`, ffnDim, modelDim),
      matrix(`blk.${layer}.ffn_down`, modelDim, ffnDim),
    );
  }
  return plan;
}

/** @param dimensions contiguous first */
export function tensorBytes(
  random: SeededRandom,
  matrixType: TensorTypeName,
  dimensions: readonly number[],
  role: PlannedTensor['role'],
): Uint8Array {
  const elementCount = dimensions.reduce((product, dimension) => product * dimension, 1);
  if (role !== 'matrix') {
    const [centre, spread] = role === 'gain' ? [1, 0.15] : [0, 0.2];
    return bytesOf(Float32Array.from({ length: elementCount }, () => centre + spread * random.bell()));
  }
  const columns = dimensions[0] ?? 1;
  // One channel is loud, as in trained models: it is what makes activation quantisation and float16 sums visible.
  const loud = random.below(columns);
  const deviation = 0.9 / Math.sqrt(columns);
  const value = (i: number): number => random.bell() * deviation * (i % columns === loud ? 6 : 1);
  if (matrixType === 'f32') return bytesOf(Float32Array.from({ length: elementCount }, (_, i) => value(i)));
  if (matrixType === 'f16') return bytesOf(Float16Array.from({ length: elementCount }, (_, i) => value(i)));
  if (matrixType === 'bf16') {
    // The upper halves of float32.
    return bytesOf(Float32Array.from({ length: elementCount }, (_, i) => value(i))).filter((_, i) => i % 4 >= 2);
  }
  return randomBlocks(random, matrixType, elementCount, deviation);
}

/** Blocks with every quant bit random and scales such that the values have about the wanted deviation. */
function randomBlocks(random: SeededRandom, type: TensorTypeName, elementCount: number, deviation: number): Uint8Array {
  const { blockBytes, halves } = TENSOR_TYPES[type];
  const bytes = random.bytes(byteLengthOf(type, elementCount));
  // Standard deviation of one block with d = 1: the spread of the quants, times that of the 6- or 8-bit scales. What is not
  // listed has fewer bits; 20 is within about twice.
  const unitDeviation =
    { q4_0: 4.6, q4_1: 4.6, q5_0: 9.2, q5_1: 9.2, q8_0: 74, q4_k: 330, q5_k: 660, q6_k: 1400 }[type as string] ?? 20;
  const half = (value: number): Uint8Array => bytesOf(Float16Array.of(value));
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const scale = (deviation / unitDeviation) * (0.5 + random.unit());
    const [first, second] = halves;
    if (first !== undefined) bytes.set(half(scale), at + first);
    // The minimum centres the quants: q4_1 and q5_1 add it, the K types subtract it times a 6-bit number.
    const centre = { q4_1: -7.5, q5_1: -15.5, q4_k: 7.5, q5_k: 15.5 }[type as string] ?? 0;
    if (second !== undefined) bytes.set(half(scale * centre), at + second);
  }
  return bytes;
}

function metadataOf(shape: TinyShape): GgufEntry[] {
  const { architecture } = shape;
  const tokens = [...byteSpellings(), ...MERGES.map((merge) => merge.replace(' ', '')), ...SPECIALS];
  return [
    text('general.architecture', architecture),
    text('general.name', 'tiny'),
    u32(`${architecture}.block_count`, shape.layerCount),
    u32(`${architecture}.context_length`, shape.contextLength),
    u32(`${architecture}.embedding_length`, shape.modelDim),
    u32(`${architecture}.feed_forward_length`, shape.ffnDim),
    u32(`${architecture}.attention.head_count`, shape.headCount),
    u32(`${architecture}.attention.head_count_kv`, shape.kvHeadCount),
    u32(`${architecture}.attention.key_length`, shape.headDim),
    u32(`${architecture}.attention.value_length`, shape.headDim),
    u32(`${architecture}.rope.dimension_count`, shape.headDim),
    f32(`${architecture}.rope.freq_base`, shape.ropeTheta),
    f32(`${architecture}.attention.layer_norm_rms_epsilon`, shape.rmsNormEps),
    ...(shape.slidingWindow === null ? [] : [u32(`${architecture}.attention.sliding_window`, shape.slidingWindow)]),
    text('tokenizer.ggml.model', 'gpt2'),
    text('tokenizer.ggml.pre', 'qwen2'),
    { key: 'tokenizer.ggml.tokens', value: { type: 'array', of: 'string', values: tokens } },
    {
      key: 'tokenizer.ggml.token_type',
      value: { type: 'array', of: 'i32', values: tokens.map((token) => (SPECIALS.includes(token) ? 3 : 1)) },
    },
    { key: 'tokenizer.ggml.merges', value: { type: 'array', of: 'string', values: MERGES } },
    u32('tokenizer.ggml.eos_token_id', TINY_VOCAB_SIZE - 1),
    { key: 'tokenizer.ggml.add_bos_token', value: { type: 'bool', value: false } },
    text('tokenizer.chat_template', CHAT_TEMPLATE),
  ];
}

/** GPT-2's printable stand-in for each byte. */
export function byteSpellings(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let shifted = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : 256 + shifted++));
}

function bytesOf(values: Float32Array | Float16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
