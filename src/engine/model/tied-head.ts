// Two spellings of one matrix: a folder whose config.json says that head and embedding are tied may still hold both, or
// the head alone. Transformers' rule: what is stored is used; two are one only where all their values are equal.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { TENSOR_TYPES } from '../formats/tensor-types.ts';
import { dequantize } from '../cpu/dequantize.ts';
import { isSameLayout } from '../program/check-program.ts';
import type { ModelConfig } from '../program/config.ts';
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import type { Notice } from '../../notice.ts';
import type { ReadTensors } from './fused-rows.ts';
import type { ModelFile } from './model-file.ts';

const EMBEDDING = 'token_embd.weight';
const HEAD = 'output.weight';

/** Of each matrix at a time. Every block size divides it. */
const CHUNK_ELEMENTS = 1 << 20;

interface SettledHead extends ReadTensors {
  config: ModelConfig;
  notices: Notice[];
}

/**
 * Makes a config.json that says `tied` agree with what is stored. Reads both matrices as far as they are equal. A GGUF
 * file has no such key.
 *
 * @throws RefuteError E_MODEL_SHAPE, E_TENSOR_TYPE
 */
export async function settleHead(file: ModelFile, config: ModelConfig): Promise<SettledHead> {
  const { path, format, nameInFile, ...read } = file;
  const names = new Set(read.tensors.map(({ name }) => name));
  const asItIs = { tensors: read.tensors, weights: read.weights, config, notices: [] };
  if (format === 'gguf' || !config.isTied || !names.has(HEAD)) return asItIs;
  const [head, embedding] = [nameInFile(HEAD), nameInFile(EMBEDDING)].map(quoted);
  if (!names.has(EMBEDDING)) {
    const message = `There is no ${embedding}; the model is tied, so that ${head} is the embedding too.`;
    return { config, ...headAsEmbedding(read), notices: [{ severity: 'note', code: 'TIED-EMBEDDING', message }] };
  }
  const { weights } = read;
  const [a, b] = [weights.info(EMBEDDING), weights.info(HEAD)] as [WeightInfo, WeightInfo];
  if (!isSameLayout(a.shape, b.shape)) {
    const is = `${head} has shape [${b.shape.join(', ')}] and ${embedding} [${a.shape.join(', ')}]`;
    throw new RefuteError({ code: 'E_MODEL_SHAPE', place: path, is, allowed: 'the config says that they are one' });
  }
  // An equal copy is left out, so that nothing wonders why no op reads it.
  if (await haveEqualValues(weights, a, b)) {
    return { ...asItIs, tensors: read.tensors.filter(({ name }) => name !== HEAD) };
  }
  const message = `The config ties head and embedding, and ${head} differs from ${embedding}: ${head} is used as it is stored.`;
  const isTied = { source: 'tensor', detail: `${nameInFile(HEAD)} differs from ${nameInFile(EMBEDDING)}` } as const;
  return {
    ...asItIs,
    config: { ...config, isTied: false, provenance: { ...config.provenance, isTied } },
    notices: [{ severity: 'warning', code: 'HEAD-NOT-TIED', message }],
  };
}

function headAsEmbedding({ tensors, weights }: ReadTensors): ReadTensors {
  const info = weights.info(HEAD);
  return {
    tensors: tensors.map((tensor) => (tensor.name === HEAD ? { ...tensor, name: EMBEDDING } : tensor)),
    weights: {
      info: (name) => (name === EMBEDDING && info !== undefined ? { ...info, name } : weights.info(name)),
      read: (name, byteOffset, into) => weights.read(name === EMBEDDING ? HEAD : name, byteOffset, into),
    },
  };
}

/** As numbers: 0 equals -0, and the types may differ. Equal bytes are equal values, NaN included. */
async function haveEqualValues(weights: WeightSource, a: WeightInfo, b: WeightInfo): Promise<boolean> {
  const elementCount = a.shape.reduce((product, extent) => product * extent, 1);
  for (let first = 0; first < elementCount; first += CHUNK_ELEMENTS) {
    const count = Math.min(CHUNK_ELEMENTS, elementCount - first);
    const [x, y] = [await readElements(weights, a, first, count), await readElements(weights, b, first, count)];
    if (a.type === b.type && isSameBytes(x, y)) continue;
    const theirs = await dequantize(b.type, y);
    if (!(await dequantize(a.type, x)).every((value, i) => value === theirs[i])) return false;
  }
  return true;
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

async function readElements(
  weights: WeightSource,
  { name, type }: WeightInfo,
  first: number,
  count: number,
): Promise<Uint8Array> {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const bytes = new Uint8Array((count / blockElements) * blockBytes);
  await weights.read(name, (first / blockElements) * blockBytes, bytes);
  return bytes;
}
