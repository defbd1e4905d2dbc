// Tensors without elements, and single numbers, among the tensors of a file: searched, in the bundled file, and as PyPI
// gguf reads them (falsifiers/vectors/gguf-reader/empty-tensors.json, made once in Python).
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseGguf } from '../../src/engine/formats/gguf.ts';
import * as tensorTypes from '../../src/engine/formats/tensor-types/by-name.ts';
import { MemoryByteSource } from '../../src/engine/io/byte-source.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { orNaN } from '../kit/judges/refusals.ts';
import { planOf } from '../kit/models/file-plan.ts';
import { ggufFile, type GgufFile, type GgufPlan, type GgufTensor } from '../kit/models/gguf-bytes.ts';
import { countDifferences } from './checks.ts';
import { ggufPlan } from './plans.ts';

/** A number of no ggml type. */
const UNKNOWN_TYPE = 999;

/** By name; names of searched tensors are shorter. */
type Extra = Omit<GgufTensor, 'name'> & { place: number };

const empty: fc.Arbitrary<Omit<Extra, 'place'>> = fc
  .record({
    type: fc.constantFrom(...Object.values(tensorTypes), { ggmlId: UNKNOWN_TYPE, blockElements: 1 }),
    rows: fc.array(fc.nat(3), { maxLength: 3 }),
    zero: fc.nat(3),
  })
  .map(({ type, rows, zero }) => {
    const dimensions = [type.blockElements, ...rows];
    dimensions[zero % dimensions.length] = 0;
    return { dimensions, typeId: type.ggmlId, bytes: new Uint8Array() };
  });
const single: fc.Arbitrary<Omit<Extra, 'place'>> = fc
  .uint8Array({ minLength: 4, maxLength: 4 })
  .map((bytes) => ({ dimensions: [], typeId: tensorTypes.f32.ggmlId, bytes }));

const extras: fc.Arbitrary<Extra[]> = fc.array(
  fc
    .record({ tensor: fc.oneof({ weight: 3, arbitrary: empty }, { weight: 1, arbitrary: single }), place: fc.nat(4) })
    .map(({ tensor, place }) => ({ ...tensor, place })),
  { minLength: 1, maxLength: 4 },
);

/** A searched file with such tensors before, between and behind its own. */
export const planWithEmpty: fc.Arbitrary<GgufPlan> = fc
  .record({ plan: ggufPlan, added: extras })
  .map(({ plan, added }) => withExtras(plan, added));

function withExtras(plan: GgufPlan, added: readonly Extra[]): GgufPlan {
  const tensors = [...plan.tensors];
  for (const [i, { place, ...tensor }] of added.entries()) {
    tensors.splice(Math.min(place, tensors.length), 0, { ...tensor, name: `added-tensor-${i}` });
  }
  return { ...plan, tensors };
}

/** Read back twice: as the writer pads it, and ending with the last byte that belongs to a tensor. */
export async function countMisreadEmpty(plan: GgufPlan): Promise<number> {
  const file = ggufFile(plan);
  const cut = { ...file, bytes: file.bytes.subarray(0, endOfData(plan, file)) };
  return (await countDifferences(plan, file)) + (await countDifferences(plan, cut));
}

function endOfData({ tensors, alignment = 32 }: GgufPlan, { marks }: GgufFile): number {
  let [at, end] = [marks.get('data') ?? NaN, marks.get('data') ?? NaN];
  const dataOffset = at;
  for (const { bytes } of tensors) {
    at = dataOffset + Math.ceil((at - dataOffset) / alignment) * alignment + bytes.length;
    if (bytes.length > 0) end = at;
  }
  return end;
}

export const ADDED_COUNT = 12;

/** The bundled file with empty tensors added at places by the seed: every tensor as before, and the same list by `apr`. */
export async function readBesideEmpty(context: PartContext, path: string): Promise<void> {
  const plan = await planOf(path);
  const random = new SeededRandom(context.seed);
  const added = Array.from({ length: ADDED_COUNT }, (_, i): Extra => {
    const dimensions = [[0], [256, 0], [0, 4], [32, 2, 0]][i % 4] ?? [];
    const { ggmlId } = [tensorTypes.f32, tensorTypes.q4_k, tensorTypes.q8_0][i % 3] ?? tensorTypes.f32;
    return {
      dimensions: ggmlId === tensorTypes.f32.ggmlId ? dimensions : [0, ...dimensions.slice(1)],
      typeId: ggmlId,
      bytes: new Uint8Array(),
      // The last of them behind everything.
      place: i === ADDED_COUNT - 1 ? Infinity : random.below(plan.tensors.length + 1),
    };
  });
  const whole = withExtras(plan, added);
  const { bytes } = ggufFile(whole);
  const written = join(context.folder, 'empty.gguf');
  await writeFile(written, bytes);
  const { stdout } = await context.program('apr', ['tensors', written, '--json']);
  const listed = (JSON.parse(stdout) as { tensors: { name: string; byteLength: number; byteOffset: number }[] })
    .tensors;
  for (const [i, tensor] of whole.tensors.entries()) {
    const found = listed[i];
    const start = found?.byteOffset ?? NaN;
    const isSame = found?.name === tensor.name && found.byteLength === tensor.bytes.length;
    const there = bytes.subarray(start, start + tensor.bytes.length);
    context.measure(isSame && Buffer.compare(there, tensor.bytes) === 0 ? 0 : 1, tensor.name);
    context.output(there);
  }
}

interface Recorded {
  producer: { name: string; version: string };
  files: {
    base64: string;
    tensors: { name: string; type: string; dims: number[]; elements: number; bytes: number; sha256: string }[];
  }[];
}

export const RECORDED_COUNT = 40;

/** One case a file: how many facts the product reads differently. */
export async function compareRecordedEmpty(context: PartContext): Promise<void> {
  const text = await readFile(context.data('falsifiers/vectors/gguf-reader/empty-tensors.json'), 'utf8');
  const { producer, files } = JSON.parse(text) as Recorded;
  context.oracle({ ...producer, digest: sha256(text) });
  for (const [i, { base64, tensors }] of files.entries()) {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
    const differing = await orNaN(async () => {
      const parsed = await parseGguf(new MemoryByteSource(bytes, `file ${i}`));
      const ours = parsed.tensors.map(({ name, type, shape, elementCount, byteOffset, byteLength }) => {
        const own = bytes.subarray(byteOffset, byteOffset + (byteLength ?? 0));
        return [name, type, shape.toReversed().join(), elementCount, byteLength, sha256(own)];
      });
      const theirs = tensors.map((one) => [
        one.name,
        one.type.toLowerCase(),
        one.dims.join(),
        one.elements,
        one.bytes,
        one.sha256,
      ]);
      const facts = theirs.flatMap((row, n) => row.filter((fact, k) => fact !== ours[n]?.[k]));
      return facts.length + Math.abs(ours.length - theirs.length);
    });
    context.measure(differing, `file ${i}`);
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
