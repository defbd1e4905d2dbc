// GGUF files to search through: arbitraries of well-formed plans, and the ways to break one. The breakages are named, so
// that a counterexample says which rule of the format was not enforced.
import fc from 'fast-check';
import { anyCharacter, printableCharacter } from '../kit/arbitraries/characters.ts';
import type { GgufEntry, GgufFile, GgufPlan, GgufScalar, GgufTensor, GgufValue } from '../kit/models/gguf-bytes.ts';
import { ggufFile, withField } from '../kit/models/gguf-bytes.ts';
import * as tensorTypes from '../../src/engine/formats/tensor-types/by-name.ts';

const scalar: fc.Arbitrary<GgufScalar> = fc.oneof(
  integer('u8', 0, 255),
  integer('i8', -128, 127),
  integer('u16', 0, 65_535),
  integer('i16', -32_768, 32_767),
  integer('u32', 0, 2 ** 32 - 1),
  integer('i32', -(2 ** 31), 2 ** 31 - 1),
  fc.float().map((value): GgufScalar => ({ type: 'f32', value })),
  fc.double().map((value): GgufScalar => ({ type: 'f64', value })),
  fc.boolean().map((value): GgufScalar => ({ type: 'bool', value })),
  fc.string({ unit: anyCharacter, maxLength: 12 }).map((value): GgufScalar => ({ type: 'string', value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): GgufScalar => ({ type: 'u64', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): GgufScalar => ({ type: 'i64', value })),
);

function integer(
  type: 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32',
  min: number,
  max: number,
): fc.Arbitrary<GgufScalar> {
  return fc.integer({ min, max }).map((value): GgufScalar => ({ type, value }));
}

const value: fc.Arbitrary<GgufValue> = fc.oneof(
  { weight: 3, arbitrary: scalar },
  {
    weight: 1,
    arbitrary: scalar.chain((first) =>
      fc
        .array(
          scalar.filter((item) => item.type === first.type),
          { maxLength: 4 },
        )
        .map((items): GgufValue => ({ type: 'array', of: first.type, values: items.map((item) => item.value) })),
    ),
  },
);

const entry: fc.Arbitrary<GgufEntry> = fc.record({
  key: fc.string({ unit: printableCharacter, minLength: 1, maxLength: 10 }).map((key) => `x.${key}`),
  value,
});

const tensor: fc.Arbitrary<GgufTensor> = fc
  .record({
    name: fc.string({ unit: anyCharacter, minLength: 1, maxLength: 8 }),
    type: fc.constantFrom(...Object.values(tensorTypes)),
    blocksPerRow: fc.integer({ min: 1, max: 2 }),
    otherDimensions: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    salt: fc.nat(255),
  })
  .map(({ name, type, blocksPerRow, otherDimensions, salt }) => {
    const dimensions = [blocksPerRow * type.blockElements, ...otherDimensions];
    const elementCount = dimensions.reduce((product, dimension) => product * dimension, 1);
    const bytes = Uint8Array.from(
      { length: (elementCount / type.blockElements) * type.blockBytes },
      (_, i) => (i * 7 + salt) & 255,
    );
    return { name, dimensions, typeId: type.ggmlId, bytes };
  });

/** Well-formed files of a few hundred bytes with every value type, up to three tensors, and an alignment. */
export const ggufPlan: fc.Arbitrary<GgufPlan> = fc
  .record({
    version: fc.constantFrom(2, 3),
    alignment: fc.constantFrom(32, 1, 8, 64, 4096),
    metadata: fc.uniqueArray(entry, { selector: ({ key }) => key, maxLength: 5 }),
    tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, minLength: 1, maxLength: 3 }),
  })
  .map((plan) => ({
    ...plan,
    metadata:
      plan.alignment === 32
        ? plan.metadata
        : [{ key: 'general.alignment', value: { type: 'u32', value: plan.alignment } as const }, ...plan.metadata],
  }));

export interface Breakage {
  name: string;
  /** Bytes of a file that must be refused, or null where this plan cannot be broken in this way. */
  apply(plan: GgufPlan, file: GgufFile, pick: number): Uint8Array | null;
}

/** Writes `value` into a marked field. */
function field(name: string, mark: (pick: number, plan: GgufPlan) => string, width: 4 | 8, written: bigint): Breakage {
  return {
    name,
    apply(plan, file, pick) {
      const at = file.marks.get(mark(pick, plan));
      return at === undefined ? null : withField(file.bytes, at, width, written);
    },
  };
}

const someTensor =
  (prefix: string, suffix = '') =>
  (pick: number, plan: GgufPlan): string =>
    `${prefix}:${pick % plan.tensors.length}${suffix}`;

const someEntry =
  (prefix: string) =>
  (pick: number, plan: GgufPlan): string =>
    `${prefix}:${pick % Math.max(plan.metadata.length, 1)}`;

/** Bytes inserted before `at`; every offset behind it moves. */
function spliced(bytes: Uint8Array, at: number, inserted: Uint8Array, removedLength = 0): Uint8Array {
  return new Uint8Array([...bytes.subarray(0, at), ...inserted, ...bytes.subarray(at + removedLength)]);
}

/** Every rule of the format that a file can break without being cut short. */
export const BREAKAGES: readonly Breakage[] = [
  { name: 'magic', apply: (_, file, pick) => file.bytes.map((b, i) => (i === pick % 4 ? b ^ 0x20 : b)) },
  field('version 0', () => 'version', 4, 0n),
  field('version 1', () => 'version', 4, 1n),
  field('version 4', () => 'version', 4, 4n),
  field('version 2^32 − 1', () => 'version', 4, 2n ** 32n - 1n),
  field('big-endian version', () => 'version', 4, 0x03000000n),
  field('tensor count 2^63', () => 'tensorCount', 8, 2n ** 63n),
  field('tensor count 2^64 − 1', () => 'tensorCount', 8, 2n ** 64n - 1n),
  field('tensor count 2^32', () => 'tensorCount', 8, 2n ** 32n),
  field('tensor count 100,000', () => 'tensorCount', 8, 100_000n),
  field('metadata count 2^63', () => 'metadataCount', 8, 2n ** 63n),
  field('metadata count 2^64 − 1', () => 'metadataCount', 8, 2n ** 64n - 1n),
  field('metadata count 50,000', () => 'metadataCount', 8, 50_000n),
  field('key length 2^63', someEntry('key'), 8, 2n ** 63n),
  field('key length 2^32', someEntry('key'), 8, 2n ** 32n),
  field('value type 13', someEntry('valueType'), 4, 13n),
  field('value type 2^32 − 1', someEntry('valueType'), 4, 2n ** 32n - 1n),
  field('tensor name length 2^63', someTensor('name'), 8, 2n ** 63n),
  field('tensor name length 65', someTensor('name'), 8, 65n),
  field('five dimensions', someTensor('dimensionCount'), 4, 5n),
  field('2^31 dimensions', someTensor('dimensionCount'), 4, 2n ** 31n),
  field('2^32 − 1 dimensions', someTensor('dimensionCount'), 4, 2n ** 32n - 1n),
  field('dimension 2^63 − 1', someTensor('dimension', ':0'), 8, 2n ** 63n - 1n),
  field('dimension 2^63', someTensor('dimension', ':0'), 8, 2n ** 63n),
  field('dimension 2^64 − 1', someTensor('dimension', ':0'), 8, 2n ** 64n - 1n),
  field('dimension 2^40', someTensor('dimension', ':0'), 8, 2n ** 40n),
  field('offset 2^63', someTensor('offset'), 8, 2n ** 63n),
  field('offset 2^53', someTensor('offset'), 8, 2n ** 53n),
  field('offset 2^32', someTensor('offset'), 8, 2n ** 32n),
  {
    name: 'row of half a block',
    apply(plan, file, pick) {
      const i = pick % plan.tensors.length;
      const layout = Object.values(tensorTypes).find(({ ggmlId }) => ggmlId === plan.tensors[i]?.typeId);
      const at = file.marks.get(`dimension:${i}:0`);
      if (layout === undefined || layout.blockElements === 1 || at === undefined) return null;
      return withField(file.bytes, at, 8, BigInt(layout.blockElements / 2));
    },
  },
  {
    name: 'offset misaligned by one',
    apply(plan, file, pick) {
      const i = pick % plan.tensors.length;
      const at = file.marks.get(`offset:${i}`);
      if (at === undefined || plan.alignment === 1) return null;
      // A byte is appended so that the tensor still lies in the file and only the alignment is wrong.
      const longer = spliced(file.bytes, file.bytes.length, new Uint8Array(1));
      return withField(longer, at, 8, readU64(file.bytes, at) + 1n);
    },
  },
  {
    name: 'two tensors at one offset',
    apply(plan, file, pick) {
      const i = 1 + (pick % Math.max(plan.tensors.length - 1, 1));
      const at = file.marks.get(`offset:${i}`);
      return at === undefined ? null : withField(file.bytes, at, 8, 0n);
    },
  },
  {
    name: 'a tensor starts in the last aligned piece of the one before',
    apply(plan, file) {
      const [first, second] = [plan.tensors[0], file.marks.get('offset:1')];
      const alignment = plan.alignment ?? 32;
      if (first === undefined || second === undefined || first.bytes.length <= alignment) return null;
      const lastPiece = Math.floor((first.bytes.length - 1) / alignment) * alignment;
      return withField(file.bytes, second, 8, BigInt(lastPiece));
    },
  },
  {
    name: 'last tensor one aligned piece past the end',
    apply(plan, file) {
      const at = file.marks.get(`offset:${plan.tensors.length - 1}`);
      const alignment = BigInt(plan.alignment ?? 32);
      return at === undefined ? null : withField(file.bytes, at, 8, readU64(file.bytes, at) + alignment);
    },
  },
  {
    name: 'duplicate tensor name',
    apply(plan) {
      const [first, second, ...rest] = plan.tensors;
      if (first === undefined || second === undefined) return null;
      return ggufFile({ ...plan, tensors: [first, { ...second, name: first.name }, ...rest] }).bytes;
    },
  },
  {
    name: 'duplicate key',
    apply(plan) {
      const [first] = plan.metadata;
      return first === undefined ? null : ggufFile({ ...plan, metadata: [...plan.metadata, first] }).bytes;
    },
  },
  {
    name: 'tensor name that is not UTF-8',
    apply(plan) {
      const [first, ...rest] = plan.tensors;
      if (first === undefined) return null;
      const { bytes, marks } = ggufFile({ ...plan, tensors: [{ ...first, name: 'zz' }, ...rest] });
      bytes.set([0xc3, 0x28], (marks.get('name:0') ?? NaN) + 8);
      return bytes;
    },
  },
  {
    name: 'truth value 2',
    apply(plan, file) {
      const at = file.marks.get(`value:${plan.metadata.findIndex((item) => item.value.type === 'bool')}`);
      return at === undefined ? null : file.bytes.map((b, i) => (i === at ? 2 : b));
    },
  },
  {
    name: 'array of 2^63 elements',
    apply(plan, file) {
      const at = file.marks.get(`value:${plan.metadata.findIndex((item) => item.value.type === 'array')}`);
      return at === undefined ? null : withField(file.bytes, at + 4, 8, 2n ** 63n);
    },
  },
  {
    name: 'arrays nested 100,000 deep',
    apply: (plan) =>
      ggufFile({ ...plan, metadata: [...plan.metadata, { key: 'x.deep', value: nested(100_000) }] }).bytes,
  },
  ...['0', '3', '48', '4294967295'].map((alignment): Breakage => ({
    name: `alignment ${alignment}`,
    apply(plan, file) {
      const at = file.marks.get(`value:${plan.metadata.findIndex(({ key }) => key === 'general.alignment')}`);
      return at === undefined ? null : withField(file.bytes, at, 4, BigInt(alignment));
    },
  })),
];

/** Arrays of one array each; the innermost is empty. Every byte of it is well formed. */
function nested(depth: number): GgufValue {
  const view = new DataView(new ArrayBuffer(depth * 12));
  for (let i = 0; i < depth; i++) {
    view.setUint32(i * 12, i === depth - 1 ? 0 : 9, true);
    view.setBigUint64(i * 12 + 4, i === depth - 1 ? 0n : 1n, true);
  }
  return { type: 'raw', typeId: 9, bytes: new Uint8Array(view.buffer) };
}

function readU64(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
}
