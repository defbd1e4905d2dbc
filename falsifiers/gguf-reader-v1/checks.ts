// How the GGUF reader is measured: what it says against what was written, what it accepts, where it finds tensors.
// The claims that use these numbers, and the faults that must move them, are in gguf-reader-v1.ts.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { RefuteError } from '../../src/errors.ts';
import { parseGguf, type GgufFile as ParsedGguf } from '../../src/engine/formats/gguf.ts';
import { MemoryByteSource, type ByteSource } from '../../src/engine/io/byte-source.ts';
import { openFile } from '../../src/engine/io/open-file.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { ggufFile, withField, type GgufFile, type GgufPlan } from '../kit/models/gguf-bytes.ts';
import { f32 } from '../../src/engine/formats/tensor-types/f32.ts';
import { ggufPlan } from './plans.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { trainerName, valuesOf, type SafeTensor } from '../kit/models/safetensors.ts';

/** The bundled file that these checks damage; the smaller one. */
const Q4_K = 'sums-2m.q4_k_m.gguf';

const parseBytes = (bytes: Uint8Array): Promise<ParsedGguf> => parseGguf(new MemoryByteSource(bytes));

/** Differences between a plan and what the reader says of its file, one by one. */
export async function countDifferences(plan: GgufPlan, { bytes, marks }: GgufFile = ggufFile(plan)): Promise<number> {
  const parsed = await parseBytes(bytes);
  let differences = 0;
  const expectSame = (a: unknown, b: unknown): void => void (differences += isSame(a, b) ? 0 : 1);
  expectSame(parsed.version, plan.version ?? 3);
  expectSame(parsed.alignment, plan.alignment ?? 32);
  expectSame(parsed.dataOffset, marks.get('data'));
  expectSame(parsed.entries.length, plan.metadata.length);
  for (const [i, { key, value }] of plan.metadata.entries()) {
    if (value.type === 'raw') throw new Error('a plan to be read back has no raw values');
    const entry = parsed.entries[i];
    expectSame(entry?.key, key);
    expectSame(entry?.type, value.type);
    expectSame(entry?.value, value.type === 'array' ? value.values : value.value);
    expectSame(entry?.elementType ?? null, value.type === 'array' ? value.of : null);
  }
  expectSame(parsed.tensors.length, plan.tensors.length);
  for (const [i, tensor] of plan.tensors.entries()) {
    const found = parsed.tensors[i];
    expectSame(found?.name, tensor.name);
    expectSame(found?.ggmlId, tensor.typeId);
    expectSame(found?.shape, tensor.dimensions.toReversed());
    expectSame(found?.byteLength, tensor.bytes.length);
    const start = found?.byteOffset ?? 0;
    expectSame([...bytes.subarray(start, start + tensor.bytes.length)], [...tensor.bytes]);
  }
  return differences;
}

/** Equal in type and value; a 64-bit integer may come as a number where that is exact. */
function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  if (typeof a === 'number' && typeof b === 'bigint') return Number.isSafeInteger(a) && BigInt(a) === b;
  return Object.is(a, b);
}

/** 0 where the bytes are refused with a typed error, 1 where they are accepted or something else is thrown. */
export async function countAccepted(bytes: Uint8Array): Promise<number> {
  try {
    await parseBytes(bytes);
    return 1;
  } catch (error) {
    return error instanceof RefuteError && /^E_(GGUF|FORMAT|FILE)/.test(error.code) ? 0 : 1;
  }
}

/** Prefixes that are accepted, of every length in the header, every 16th in the data and the last 64. */
export async function countAcceptedPrefixes({ bytes, marks }: GgufFile): Promise<number> {
  const dataOffset = marks.get('data') ?? 0;
  let accepted = 0;
  for (let length = 0; length < bytes.length; length++) {
    if (length > dataOffset && length < bytes.length - 64 && length % 16 !== 0) continue;
    accepted += await countAccepted(bytes.subarray(0, length));
  }
  return accepted;
}

/** What must hold of any file that the reader accepts: tensors aligned, and those that have elements inside and apart. */
function countLayoutViolations(parsed: ParsedGguf, byteLength: number): number {
  const { dataOffset, alignment, tensors } = parsed;
  const isAligned = (tensor: { byteOffset: number }): boolean => (tensor.byteOffset - dataOffset) % alignment === 0;
  const isEmpty = ({ shape }: { shape: readonly number[] }): boolean => shape.includes(0);
  const inOrder = tensors.filter((tensor) => !isEmpty(tensor)).toSorted((a, b) => a.byteOffset - b.byteOffset);
  const misplaced = inOrder.filter((tensor, i) => {
    const end = tensor.byteOffset + (tensor.byteLength ?? 1);
    const next = inOrder[i + 1]?.byteOffset ?? Infinity;
    return !(tensor.byteOffset >= dataOffset && end <= byteLength && end <= next);
  });
  const wrong = tensors.filter((tensor) => !isAligned(tensor) || (isEmpty(tensor) && tensor.byteLength !== 0));
  return misplaced.length + wrong.length;
}

/** 1 where a changed file is neither refused with a typed error nor read into a layout that holds. */
export async function countMisread(bytes: Uint8Array): Promise<number> {
  try {
    return countLayoutViolations(await parseBytes(bytes), bytes.length) === 0 ? 0 : 1;
  } catch (error) {
    return error instanceof RefuteError ? 0 : 1;
  }
}

export interface Damage {
  plan: GgufPlan;
  pick: number;
  where: 'any byte' | 'field' | 'offset';
  byteInField: number;
  xor: number;
}

export const damage: fc.Arbitrary<Damage> = fc.record({
  plan: ggufPlan,
  pick: fc.nat(),
  // Fields, and offsets among them, as often as all other bytes together, because they are few.
  where: fc.constantFrom('any byte', 'field', 'offset'),
  byteInField: fc.oneof(fc.constant(0), fc.nat(7)),
  xor: fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128, 255),
});

export function damaged({ plan, pick, where, byteInField, xor }: Damage): Uint8Array {
  const { marks, bytes }: GgufFile = ggufFile(plan);
  const fields = [...marks].filter(([name]) => where === 'field' || name.startsWith('offset'));
  const field = fields[pick % fields.length]?.[1] ?? 0;
  const at = where === 'any byte' ? pick % bytes.length : field + byteInField;
  // Room behind the last tensor, so that one that moves a little still lies in the file.
  const roomy = new Uint8Array(bytes.length + 64);
  roomy.set(bytes);
  roomy[at] = (roomy[at] ?? 0) ^ xor;
  return roomy;
}

/** A file of any length in which every byte behind the header tells its own position. */
class SparseSource implements ByteSource {
  readonly path = 'sparse';
  readonly byteLength: number;
  readonly #header: Uint8Array;

  constructor(header: Uint8Array, byteLength: number) {
    this.#header = header;
    this.byteLength = byteLength;
  }

  static byteAt(position: number): number {
    return (Math.floor(position / 2 ** 48) + Math.floor(position / 2 ** 24) * 3 + (position % 2 ** 24) * 7) % 251;
  }

  async read(byteOffset: number, into: Uint8Array): Promise<void> {
    into.set(this.#header.subarray(byteOffset, byteOffset + into.length));
    // A long read is the reader's window on the header, which has nothing to find behind it.
    if (into.length > 4096) return;
    for (let i = Math.max(0, this.#header.length - byteOffset); i < into.length; i++) {
      into[i] = SparseSource.byteAt(byteOffset + i);
    }
  }

  async close(): Promise<void> {}
}

const twoTensors: GgufPlan = {
  metadata: [{ key: 'general.architecture', value: { type: 'string', value: 'llama' } }],
  tensors: [0, 1].map((i) => ({ name: `t${i}`, dimensions: [8], typeId: f32.ggmlId, bytes: new Uint8Array(32) })),
};

/** Places the second tensor `offset` bytes into the data and counts wrong positions. */
export async function countMisplaced(offset: number): Promise<number> {
  const { bytes, marks } = ggufFile(twoTensors);
  const dataOffset = marks.get('data') ?? NaN;
  const header = withField(bytes.subarray(0, dataOffset), marks.get('offset:1') ?? NaN, 8, BigInt(offset));
  const source = new SparseSource(header, dataOffset + offset + 32);
  const parsed = await parseGguf(source);
  const wanted = dataOffset + offset;
  const found = parsed.tensors[1]?.byteOffset ?? NaN;
  const there = new Uint8Array(32);
  await source.read(Number.isNaN(found) ? 0 : found, there);
  return (found === wanted ? 0 : 1) + there.filter((byte, i) => byte !== SparseSource.byteAt(wanted + i)).length;
}

/** The bundled file with its data pushed behind a hole of five GiB, on the real file system. */
async function writeSparseCopy(from: string, to: string): Promise<void> {
  const source = await openFile(from);
  const bytes = new Uint8Array(source.byteLength);
  await source.read(0, bytes);
  await source.close();
  const { dataOffset, tensors } = await parseBytes(bytes);
  const hole = 5 * 2 ** 30;
  const view = new DataView(bytes.buffer);
  // The offset field of a tensor stands after its name: length, text, dimension count, dimensions, type.
  const latin = new TextDecoder('latin1').decode(bytes.subarray(0, dataOffset));
  for (const { name, shape } of tensors) {
    const length = String.fromCharCode(name.length, 0, 0, 0, 0, 0, 0, 0);
    const at = latin.indexOf(length + name) + 8 + name.length + 4 + 8 * shape.length + 4;
    view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(hole), true);
  }
  const file = await open(to, 'w');
  await file.write(bytes.subarray(0, dataOffset), 0, dataOffset, 0);
  await file.write(bytes.subarray(dataOffset), 0, bytes.length - dataOffset, dataOffset + hole);
  await file.close();
}

export async function compareSparseCopy(context: PartContext): Promise<void> {
  const path = context.model('model:sums-2m', Q4_K);
  const copy = join(context.folder, 'sparse.gguf');
  await writeSparseCopy(path, copy);
  const [near, far] = [await openFile(path), await openFile(copy)];
  const [nearFile, farFile] = [await parseGguf(near), await parseGguf(far)];
  for (const [i, tensor] of nearFile.tensors.entries()) {
    const [a, b] = [new Uint8Array(tensor.byteLength ?? 0), new Uint8Array(tensor.byteLength ?? 0)];
    await near.read(tensor.byteOffset, a);
    await far.read(farFile.tensors[i]?.byteOffset ?? NaN, b);
    context.measure(a.filter((byte, n) => byte !== b[n]).length, tensor.name);
    context.output(b);
  }
  await Promise.all([near.close(), far.close()]);
}

/** Lengths at which a real file is cut: around every tensor's end and start, and all over the header. */
export async function cutLengths(
  path: string,
  seed: number,
  count: number,
): Promise<{ bytes: Uint8Array; lengths: number[] }> {
  const source = await openFile(path);
  const bytes = new Uint8Array(source.byteLength);
  await source.read(0, bytes);
  await source.close();
  const { dataOffset, tensors } = await parseBytes(bytes);
  const random = new SeededRandom(seed);
  const edges = [0, 1, 3, 4, 23, 24, dataOffset - 1, dataOffset, bytes.length - 1];
  for (const { byteOffset, byteLength } of tensors) edges.push(byteOffset + (byteLength ?? 0) - 1);
  while (edges.length < count) edges.push(random.below(random.below(2) === 0 ? dataOffset : bytes.length));
  return { bytes, lengths: edges.slice(0, count) };
}

/** Every tensor of the bundled F16 file against the trainer's own file: matrices by their bytes, vectors by value. */
export async function compareWithTrainer(
  context: PartContext,
  path: string,
  trained: ReadonlyMap<string, SafeTensor>,
): Promise<void> {
  const source = await openFile(path);
  const { tensors } = await parseGguf(source);
  for (const tensor of tensors) {
    const bytes = new Uint8Array(tensor.byteLength ?? 0);
    await source.read(tensor.byteOffset, bytes);
    const theirs = trained.get(trainerName(tensor.name) ?? '');
    context.measure(theirs === undefined ? NaN : countTensorDifferences(tensor.shape, bytes, theirs), tensor.name);
    context.output(bytes);
  }
  await source.close();
}

function countTensorDifferences(shape: readonly number[], bytes: Uint8Array, theirs: SafeTensor): number {
  if (shape.join() !== theirs.shape.join()) return NaN;
  if (shape.length > 1) return theirs.bytes.filter((byte, i) => byte !== bytes[i]).length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return valuesOf(theirs).filter((value, i) => !Object.is(value, view.getFloat32(4 * i, true))).length;
}
