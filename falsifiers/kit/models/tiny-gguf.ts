// Copies of models/tiny as llama.cpp takes them: with a vocabulary, float32 weights, so that nothing is rounded but by
// arithmetic, and keys and tensors that a file may have besides.
import { readFile } from 'node:fs/promises';
import { parseGguf } from '../../../src/engine/formats/gguf.ts';
import { dequantize } from '../../../src/engine/cpu/dequantize.ts';
import { openFile } from '../../../src/engine/io/open-file.ts';
import { ggufFile, type GgufEntry, type GgufValue } from './gguf-bytes.ts';

/** By name behind the architecture; null: left out. */
export type TinyKeys = Readonly<Record<string, GgufValue | null>>;

const VOCABULARY = ['<unk>', '<s>', '</s>', 'Ċ', ...Array.from({ length: 74 }, (_, i) => `t${i}`), 'a', 'b'];
const TOKENIZER: GgufEntry[] = [
  { key: 'tokenizer.ggml.model', value: { type: 'string', value: 'gpt2' } },
  { key: 'tokenizer.ggml.pre', value: { type: 'string', value: 'gpt-2' } },
  { key: 'tokenizer.ggml.tokens', value: { type: 'array', of: 'string', values: VOCABULARY } },
  {
    key: 'tokenizer.ggml.token_type',
    value: { type: 'array', of: 'i32', values: VOCABULARY.map((_, id) => (id < 3 ? 3 : 1)) },
  },
  { key: 'tokenizer.ggml.merges', value: { type: 'array', of: 'string', values: ['a b'] } },
  { key: 'tokenizer.ggml.bos_token_id', value: { type: 'u32', value: 1 } },
  { key: 'tokenizer.ggml.eos_token_id', value: { type: 'u32', value: 2 } },
];

/** Ids of the vocabulary, enough to be longer than every window of the tiny models. */
export const TINY_TOKENS: readonly number[] = [70, 4, 33, 33, 8, 54, 20, 76, 5, 41, 9, 66];

/** @param source a GGUF file of models/tiny */
export async function tinyGgufBytes(
  source: string,
  keys: TinyKeys = {},
  extraTensors: Readonly<Record<string, readonly number[]>> = {},
): Promise<Uint8Array> {
  const opened = await openFile(source);
  const file = await parseGguf(opened);
  await opened.close();
  const bytes = await readFile(source);
  const architecture = String(file.metadata.get('general.architecture'));
  const all: TinyKeys = { context_length: { type: 'u32', value: 4096 }, ...keys };
  const changes = new Map(Object.entries(all).map(([key, value]) => [`${architecture}.${key}`, value]));
  const kept = file.entries.flatMap(({ key, type, elementType, value }) =>
    changes.has(key) ? [] : [{ key, value: asWritten(type, elementType, value) }],
  );
  const added = [...changes].flatMap(([key, value]) => (value === null ? [] : [{ key, value }]));
  const tensors = await Promise.all(
    file.tensors.map(async ({ name, type, shape, byteOffset, byteLength }) => {
      const stored = Uint8Array.from(bytes.subarray(byteOffset, byteOffset + (byteLength ?? 0)));
      return { name, shape, values: await dequantize(type ?? 'f32', stored) };
    }),
  );
  for (const [name, numbers] of Object.entries(extraTensors)) {
    tensors.push({ name, shape: [numbers.length], values: Float32Array.from(numbers) });
  }
  return ggufFile({
    metadata: [...kept, ...added, ...TOKENIZER],
    tensors: tensors.map(({ name, shape, values }) => ({
      name,
      dimensions: shape.toReversed(),
      typeId: 0,
      bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    })),
  }).bytes;
}

function asWritten(type: string, elementType: string | null, value: unknown): GgufValue {
  if (elementType === null) return { type, value } as GgufValue;
  return { type: 'array', of: elementType, values: value } as GgufValue;
}
