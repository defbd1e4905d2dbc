// Blocks of trained weights in every stored type: out of a trained file where one has the type, else quantised here from the
// trainer's own weights. What the blocks mean is not asked.
import { readFile } from 'node:fs/promises';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import type { StoredType, TrainedFile } from '../types/stored-type.ts';
import { readGguf } from './gguf-file.ts';
import { quantise, type BlockQuantiser } from './quantise.ts';
import { readSafetensors, valuesOf } from './safetensors.ts';

export const LIVE_SLICES = 64;

/** Models that a type's trained blocks come from. */
export function needsOf({ trained }: StoredType): TrainedFile['need'][] {
  return typeof trained === 'function' ? ['model:sums-2m'] : trained.map(({ need }) => need);
}

/** LIVE_SLICES slices of each model, spread over all tensors of the type. */
export async function* trainedSlices(context: PartContext, stored: StoredType): AsyncGenerator<Slice> {
  const { trained } = stored;
  if (typeof trained === 'function') yield* quantisedSlices(context, stored, trained);
  else for (const file of trained) yield* fileSlices(context, stored, file);
}

export interface Slice {
  blocks: Uint8Array;
  where: string;
}

/** Blocks per slice of a trained file: enough for every scale that training produced, few enough for seconds. */
const SLICE_ELEMENTS = 2 ** 16;

/** Slices spread evenly over all tensors of the type. */
async function* fileSlices(
  context: PartContext,
  { type: { label, ggmlId, blockElements, blockBytes } }: StoredType,
  { need, file }: TrainedFile,
): AsyncGenerator<Slice> {
  const path = context.model(need, file);
  const tensors = readGguf(await readFile(path)).tensors.filter(({ typeId }) => typeId === ggmlId);
  for (let slice = 0; slice < LIVE_SLICES; slice++) {
    const tensor = tensors[Math.floor((slice * tensors.length) / LIVE_SLICES)];
    if (tensor === undefined) throw new Error(`${path} has no tensor of type ${label}`);
    const blockCount = tensor.elementCount / blockElements;
    const sliceBlocks = Math.min(blockCount, Math.floor(SLICE_ELEMENTS / blockElements));
    const first = Math.floor(((blockCount - sliceBlocks) * slice) / LIVE_SLICES);
    const blocks = Uint8Array.from(tensor.bytes.subarray(first * blockBytes, (first + sliceBlocks) * blockBytes));
    yield { blocks, where: `${tensor.name}, ${sliceBlocks} blocks from ${first}` };
  }
}

/** Trained float16 matrices, quantised here; slices spread evenly over all of them. */
async function* quantisedSlices(
  context: PartContext,
  { type }: StoredType,
  quantiser: BlockQuantiser,
): AsyncGenerator<Slice> {
  context.model('model:sums-2m');
  const trained = await readSafetensors(context.data('models/sums-2m/hf/model.safetensors'));
  const matrices = [...trained].filter(([, { shape }]) => shape.length === 2);
  for (let slice = 0; slice < LIVE_SLICES; slice++) {
    const [name, tensor] = matrices[Math.floor((slice * matrices.length) / LIVE_SLICES)] ?? [];
    if (name === undefined || tensor === undefined) throw new Error('the trained model has no matrices');
    const elements = Math.min(tensor.bytes.length / 2, SLICE_ELEMENTS / 4);
    const values = valuesOf({ ...tensor, shape: [elements], bytes: tensor.bytes.subarray(0, 2 * elements) });
    yield { blocks: quantise(type, quantiser, values), where: `${name}, ${elements} elements as ${type.label}` };
  }
}
