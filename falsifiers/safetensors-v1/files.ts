// Safetensors files to search through, the ways to break one, and how the reader is measured on them; beside what the
// package `safetensors` answered to files of scripts/safetensors_vectors.py.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { RefuteError } from '../../src/errors.ts';
import { parseSafetensors } from '../../src/engine/formats/safetensors.ts';
import { MemoryByteSource } from '../../src/engine/io/byte-source.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { printableCharacter } from '../kit/arbitraries/characters.ts';
import { safetensorsFile } from '../kit/models/safetensors-bytes.ts';

/** Bits of an element, by the format's own list. */
const BITS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'].map((name) => [name, 8])),
  ...Object.fromEntries(['F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map((name) => [name, 8])),
  ...Object.fromEntries(['F6_E2M3', 'F6_E3M2'].map((name) => [name, 6])),
  ...Object.fromEntries(['I16', 'U16', 'F16', 'BF16'].map((name) => [name, 16])),
  ...Object.fromEntries(['I32', 'U32', 'F32'].map((name) => [name, 32])),
  ...Object.fromEntries(['F64', 'I64', 'U64', 'C64'].map((name) => [name, 64])),
  F4: 4,
};

interface PlannedTensor {
  name: string;
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

export interface SafetensorsPlan {
  /** In the order of their data. */
  tensors: readonly PlannedTensor[];
  metadata: Readonly<Record<string, string>> | null;
  /** Names are listed in the reverse of the data's order. */
  isReversed: boolean;
  /** Behind the JSON. */
  spaces: number;
}

const tensor: fc.Arbitrary<PlannedTensor> = fc
  .record({
    name: fc
      .string({ unit: printableCharacter, maxLength: 8 })
      .filter((name) => name !== '__metadata__' && name !== '__proto__'),
    dtype: fc.constantFrom(...Object.keys(BITS)),
    shape: fc.array(fc.constantFrom(0, 1, 1, 2, 3), { maxLength: 4 }),
    salt: fc.nat(255),
  })
  .map(({ name, dtype, shape: given, salt }) => {
    // Elements of less than a byte come by the four, which fill whole ones.
    const shape = (BITS[dtype] ?? 8) < 8 ? [4, ...given] : given;
    const byteLength = (shape.reduce((product, extent) => product * extent, 1) * (BITS[dtype] ?? 8)) / 8;
    return { name, dtype, shape, bytes: Uint8Array.from({ length: byteLength }, (_, i) => (i * 7 + salt) & 255) };
  });

export const safetensorsPlan: fc.Arbitrary<SafetensorsPlan> = fc.record({
  tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, minLength: 1, maxLength: 4 }),
  metadata: fc.option(fc.constantFrom({}, { format: 'pt' }, { format: 'pt', 'ä "': '\n' })),
  isReversed: fc.boolean(),
  spaces: fc.nat(9),
});

type Entry = Record<string, unknown>;

/** What the header of a plan says, by name; to be changed by a breakage. */
function headerOf({ tensors, metadata, isReversed }: SafetensorsPlan): Record<string, Entry> {
  let at = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }): [string, Entry] => {
    const data_offsets = [at, (at += bytes.length)];
    return [name, { dtype, shape, data_offsets }];
  });
  return Object.fromEntries([
    ...(metadata === null ? [] : [['__metadata__', metadata] as const]),
    ...(isReversed ? entries.toReversed() : entries),
  ]);
}

function dataOf({ tensors }: SafetensorsPlan): Uint8Array {
  return Uint8Array.from(tensors.flatMap(({ bytes }) => [...bytes]));
}

function fileOf(plan: SafetensorsPlan, header: unknown, data: Uint8Array = dataOf(plan)): Uint8Array {
  return safetensorsFile(JSON.stringify(header) + ' '.repeat(plan.spaces), data);
}

const parse = (bytes: Uint8Array): ReturnType<typeof parseSafetensors> => parseSafetensors(new MemoryByteSource(bytes));

/** Differences between a plan and what the reader says of its file, one by one. */
export async function countDifferences(plan: SafetensorsPlan): Promise<number> {
  const bytes = fileOf(plan, headerOf(plan));
  const { tensors, metadata } = await parse(bytes);
  const found = new Map(tensors.map((one) => [one.name, one]));
  let differences = Math.abs(found.size - plan.tensors.length);
  differences += JSON.stringify(Object.fromEntries(metadata)) === JSON.stringify(plan.metadata ?? {}) ? 0 : 1;
  for (const { name, dtype, shape, bytes: own } of plan.tensors) {
    const one = found.get(name);
    const there = bytes.subarray(one?.byteOffset ?? 0, (one?.byteOffset ?? 0) + (one?.byteLength ?? 0));
    const isSame = one?.typeLabel === dtype.toLowerCase() && one.shape.join() === shape.join();
    differences += isSame && Buffer.compare(there, own) === 0 ? 0 : 1;
  }
  return differences;
}

interface Breakage {
  name: string;
  /** Bytes of a file that must be refused. */
  apply(plan: SafetensorsPlan, pick: number): Uint8Array;
}

/** The entry of one tensor changed. */
function entry(name: string, change: (of: Entry, plan: SafetensorsPlan) => unknown): Breakage {
  return {
    name,
    apply(plan, pick) {
      const header = headerOf(plan);
      const { name: picked } = plan.tensors[pick % plan.tensors.length] as PlannedTensor;
      const changed = change(header[picked] ?? {}, plan);
      return fileOf(plan, { ...header, [picked]: changed });
    },
  };
}

const offsetsOf = (of: Entry): [number, number] => of['data_offsets'] as [number, number];
const withOffsets = (name: string, change: (begin: number, end: number) => unknown): Breakage =>
  entry(name, (of) => ({ ...of, data_offsets: change(...offsetsOf(of)) }));
const withText = (name: string, change: (json: string) => string): Breakage => ({
  name,
  apply: (plan) => safetensorsFile(change(JSON.stringify(headerOf(plan))), dataOf(plan)),
});

/** Every rule of the format that a file can break. */
export const BREAKAGES: readonly Breakage[] = [
  ...['dtype', 'shape', 'data_offsets'].map((key) =>
    entry(`no ${key}`, (of) => Object.fromEntries(Object.entries(of).filter(([name]) => name !== key))),
  ),
  ...[null, 'x', 7, []].map((value) => entry(`${JSON.stringify(value)} for a tensor`, () => value)),
  ...[7, null].map((dtype) => entry(`${dtype} for a dtype`, (of) => ({ ...of, dtype }))),
  ...[null, 4, '[1]', [-1], [1.5], ['1'], [2 ** 40, 2 ** 40], [1e300]].map((shape) =>
    entry(`${JSON.stringify(shape)} for a shape`, (of) => ({ ...of, shape })),
  ),
  entry('more elements than bytes', (of) => ({
    ...of,
    shape: [...(of['shape'] as number[]), 0, 3].with(-2, 2).map((n) => n || 1),
  })),
  withOffsets('an end before the begin', (begin, end) => [end + 1, begin]),
  withOffsets('an end too far', (begin, end) => [begin, end + 1]),
  // One without bytes may well be there.
  withOffsets('moved by one', (begin, end) => (begin === end ? [begin + 0.5, end + 0.5] : [begin + 1, end + 1])),
  withOffsets('one offset', (begin) => [begin]),
  withOffsets('three offsets', (begin, end) => [begin, end, end]),
  withOffsets('a negative begin', (_, end) => [-1, end]),
  withOffsets('offsets at 2^53', (begin, end) => [2 ** 53 + begin, 2 ** 53 + end]),
  {
    name: 'an empty tensor behind the end',
    apply(plan) {
      const at = dataOf(plan).length + 1;
      return fileOf(plan, { ...headerOf(plan), behind: { dtype: 'U8', shape: [0], data_offsets: [at, at] } });
    },
  },
  {
    name: 'a byte that two tensors have',
    apply(plan) {
      const data = Uint8Array.from([...dataOf(plan), 1]);
      const of = { dtype: 'U8', shape: [1], data_offsets: [data.length - 1, data.length] };
      return fileOf(plan, { ...headerOf(plan), 'first of two': of, 'second of two': of }, data);
    },
  },
  {
    name: 'a byte behind the data',
    apply: (plan) => fileOf(plan, headerOf(plan), Uint8Array.from([...dataOf(plan), 0])),
  },
  {
    name: 'the last byte missing',
    apply(plan) {
      const data = Uint8Array.from([...dataOf(plan), 1]);
      const of = { dtype: 'U8', shape: [1], data_offsets: [data.length - 1, data.length] };
      return fileOf(plan, { ...headerOf(plan), 'last of all': of }, data.subarray(0, -1));
    },
  },
  ...[[], 'x', { a: 1 }, { a: null }, { a: { b: 'c' } }].map((metadata): Breakage => ({
    name: `${JSON.stringify(metadata)} for metadata`,
    apply: (plan) => fileOf(plan, { ...headerOf(plan), __metadata__: metadata }),
  })),
  withText('a tensor twice', (json) => `${json.slice(0, -1)},${json.slice(json.indexOf('"'), -1)}}`),
  withText('JSON without its end', (json) => json.slice(0, -1)),
  withText('a NUL behind the JSON', (json) => `${json}\0`),
  withText('two values', (json) => `${json}{}`),
  withText('a byte order mark', (json) => `\uFEFF${json}`),
  ...['[]', 'null', '', '{"a"}'].map((text) => withText(`${JSON.stringify(text)} for the header`, () => text)),
  ...[2n ** 63n, 2n ** 64n - 1n, 2n ** 40n, 0n, 1n].map((length): Breakage => ({
    name: `a header of ${length} bytes`,
    apply(plan) {
      const bytes = Uint8Array.from(fileOf(plan, headerOf(plan)));
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      return bytes;
    },
  })),
];

/** 0 where the bytes are refused with a typed error of a reader, 1 where anything else happens. */
export async function countAccepted(bytes: Uint8Array): Promise<number> {
  const code = await refusalOf(bytes);
  return code !== null && /^E_(SAFETENSORS|JSON|FORMAT|FILE)/.test(code) ? 0 : 1;
}

async function refusalOf(bytes: Uint8Array): Promise<string | null> {
  try {
    await parse(bytes);
    return null;
  } catch (error) {
    if (error instanceof RefuteError) return error.code;
    throw error;
  }
}

interface Recorded {
  producer: { name: string; version: string };
  files: ({ base64: string } & (
    | { refused: string }
    | { tensors: Record<string, { dtype: string; shape: number[]; sha256: string }> }
  ))[];
}

async function readRecorded(context: PartContext): Promise<{ whole: Recorded['files']; broken: Recorded['files'] }> {
  const text = await readFile(context.data('falsifiers/vectors/safetensors/files.json'), 'utf8');
  const { producer, files } = JSON.parse(text) as Recorded;
  context.oracle({ ...producer, digest: sha256(text) });
  return { whole: files.filter((one) => 'tensors' in one), broken: files.filter((one) => 'refused' in one) };
}

export const RECORDED_WHOLE = 94;
export const RECORDED_BROKEN = 106;

/** What the package reads otherwise: it takes the last of two equal keys, skips keys that it does not know, and a space. */
const STRICTER: readonly string[] = ['E_JSON_DUPLICATE_KEY', 'E_SAFETENSORS_ENTRY', 'E_FORMAT'];
/** Of the recorded files, as many are refused for it; counted, so that nothing else hides behind a code. */
const STRICTER_COUNT = 23;

/** How many facts of a file that the package accepts are read differently. */
export async function compareAccepted(context: PartContext): Promise<void> {
  let stricterCount = 0;
  for (const [i, one] of (await readRecorded(context)).whole.entries()) {
    if (!('tensors' in one)) continue;
    const bytes = Uint8Array.from(Buffer.from(one.base64, 'base64'));
    const code = await refusalOf(bytes);
    const isStricter = code !== null && STRICTER.includes(code) && (stricterCount += 1) <= STRICTER_COUNT;
    context.measure(
      code === null ? await countDiffering(bytes, one.tensors) : isStricter ? 0 : NaN,
      `file ${i}: ${code}`,
    );
  }
}

async function countDiffering(
  bytes: Uint8Array,
  wanted: Record<string, { dtype: string; shape: number[]; sha256: string }>,
): Promise<number> {
  const { tensors } = await parse(bytes);
  const wrong = tensors.filter(({ name, typeLabel, shape, byteOffset, byteLength }) => {
    const theirs = wanted[name];
    const own = sha256(bytes.subarray(byteOffset, byteOffset + byteLength));
    return !(
      theirs?.dtype.toLowerCase() === typeLabel &&
      theirs.shape.join() === shape.join() &&
      theirs.sha256 === own
    );
  });
  return wrong.length + Math.abs(tensors.length - Object.keys(wanted).length);
}

/** What the package refuses is refused; a dtype that it does not know may be listed, as one that cannot be decoded. */
export async function compareRefused(context: PartContext): Promise<void> {
  for (const [i, one] of (await readRecorded(context)).broken.entries()) {
    if (!('refused' in one)) continue;
    const bytes = Uint8Array.from(Buffer.from(one.base64, 'base64'));
    const isListed = one.refused.includes('unknown variant') && (await refusalOf(bytes)) === null;
    const listed = isListed ? (await parse(bytes)).tensors.filter(({ type }) => type === null).length : 0;
    context.measure(listed > 0 ? 0 : await countAccepted(bytes), `file ${i}: ${one.refused}`);
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
