// A GGUF file of a real model's shape with random weights, for engines that read files. Made from a seed, never committed.
//   node bench/model-file.ts smollm2|qwen3-0.6b|1.5b|moe|7b [PATH]
// Writes models/cache/random-NAME.gguf unless told otherwise; says where.
import { open, rename } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ggufFile, type GgufEntry } from '../falsifiers/kit/models/gguf-bytes.ts';
import { byteLengthOf, TENSOR_TYPES, type TensorTypeName } from '../src/engine/formats/tensor-types.ts';
import { randomBlocks, randomFloats } from '../test/cases/random-blocks.ts';
import { syntheticProgram, type SyntheticConfig } from '../test/cases/synthetic-model.ts';
import { shapeNamed } from './shapes.ts';

const ALIGNMENT = 32;
const SEED = 1;
/** Elements that are drawn of a type; larger tensors repeat them, each from another place on. */
const DRAWN_ELEMENTS = 2 ** 22;
const drawn = new Map<TensorTypeName, Uint8Array>();

const { positionals } = parseArgs({ allowPositionals: true });
const [name = '1.5b', path = fileURLToPath(new URL(`../models/cache/random-${name}.gguf`, import.meta.url))] =
  positionals;
const { config, typeOf } = shapeNamed(name);
const tensors = syntheticProgram(config).weights.map((weight) => {
  const type = weight.shape.length > 1 ? typeOf(weight.name) : 'f32';
  const elementCount = weight.shape.reduce((count, size) => count * size, 1);
  return { ...weight, type, elementCount, byteLength: byteLengthOf(type, elementCount) };
});
const file = await open(`${path}.part`, 'w');
await file.write(header());
for (const [index, { type, elementCount, shape, byteLength }] of tensors.entries()) {
  if (shape.length > 1) await writeMatrix(type, byteLength, index);
  else await file.write(new Uint8Array(randomFloats(SEED + index, elementCount, 0.2).map((value) => 1 + value).buffer));
  await file.write(new Uint8Array((ALIGNMENT - (byteLength % ALIGNMENT)) % ALIGNMENT));
}
await file.close();
await rename(`${path}.part`, path);
console.log(path);

/** As a file without data has it, with the offsets that the data will have. */
function header(): Uint8Array {
  const { bytes, marks } = ggufFile({
    metadata: keysOf(config),
    tensors: tensors.map(({ name: tensor, shape, type }) => ({
      name: tensor,
      dimensions: shape.toReversed(),
      typeId: TENSOR_TYPES[type].ggmlId,
      bytes: new Uint8Array(0),
    })),
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let offset = 0;
  for (const [index, { byteLength }] of tensors.entries()) {
    view.setBigUint64(marks.get(`offset:${index}`) ?? Number.NaN, BigInt(offset), true);
    offset += Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
  }
  return bytes.subarray(0, marks.get('data'));
}

async function writeMatrix(type: TensorTypeName, byteLength: number, index: number): Promise<void> {
  const blocks = drawn.get(type) ?? randomBlocks(type, DRAWN_ELEMENTS, SEED);
  drawn.set(type, blocks);
  const { blockBytes } = TENSOR_TYPES[type];
  let from = ((index * 7919) % (blocks.length / blockBytes)) * blockBytes;
  for (let left = byteLength; left > 0;) {
    const part = blocks.subarray(from, Math.min(blocks.length, from + left));
    await file.write(part);
    left -= part.length;
    from = 0;
  }
}

function keysOf(of: SyntheticConfig): GgufEntry[] {
  const { architecture, experts, rope, headDim } = of;
  const whole = (key: string, value: number): GgufEntry => ({
    key: `${architecture}.${key}`,
    value: { type: 'u32', value },
  });
  const real = (key: string, value: number): GgufEntry => ({
    key: `${architecture}.${key}`,
    value: { type: 'f32', value },
  });
  return [
    { key: 'general.architecture', value: { type: 'string', value: architecture } },
    { key: 'general.name', value: { type: 'string', value: `random weights, shape ${name}` } },
    whole('block_count', of.layerCount),
    whole('context_length', of.contextLength),
    whole('embedding_length', of.modelDim),
    whole('feed_forward_length', of.ffnDim),
    whole('attention.head_count', of.headCount),
    whole('attention.head_count_kv', of.kvHeadCount),
    whole('attention.key_length', headDim),
    whole('attention.value_length', headDim),
    real('attention.layer_norm_rms_epsilon', of.rmsNormEps),
    real('rope.freq_base', rope.theta),
    whole('rope.dimension_count', rope.rotaryDim),
    ...(experts === null
      ? []
      : [
          whole('expert_count', experts.count),
          whole('expert_used_count', experts.usedCount),
          whole('expert_feed_forward_length', experts.ffnDim),
        ]),
  ];
}
