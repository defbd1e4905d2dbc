// Folders of safetensors, as plans: which file a tensor is read from, and what stands for head and embedding of a model that
// is tied. Beside what Transformers takes (falsifiers/vectors/safetensors/folders.json).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { RefuteError } from '../../src/errors.ts';
import { dequantize } from '../../src/engine/cpu/dequantize.ts';
import { checkShards, type Shard } from '../../src/engine/formats/safetensors-index.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { safetensorsOf } from '../kit/models/safetensors-bytes.ts';
import { parseSafetensorsFile } from '../kit/models/safetensors.ts';
import { sha256 } from './files.ts';

/** dtype, rows, columns and salt of values ((31 i + salt) mod 97 + 1) / 64, with [i, value] changes behind. */
type PlannedMatrix = [
  dtype: 'F32' | 'F16' | 'BF16',
  rows: number,
  columns: number,
  salt: number,
  ...[number, number][],
];
type PlannedFiles = Readonly<Record<string, Readonly<Record<string, PlannedMatrix>>>>;

interface FolderPlan {
  config: Readonly<Record<string, unknown>>;
  files: PlannedFiles;
  index: Readonly<Record<string, string>> | null;
}

interface Recorded {
  producer: { name: string; version: string };
  config: Record<string, unknown>;
  folders: (FolderPlan & { name: string } & (
      | { refused: string }
      | { head: string; embedding: string; isTied: boolean }
    ))[];
}

function valuesOf([, rows, columns, salt, ...changes]: PlannedMatrix): Float32Array {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => (((31 * i + salt) % 97) + 1) / 64);
  for (const [at, value] of changes) values[at] = value;
  return values;
}

function stored(plan: PlannedMatrix): { dtype: string; shape: number[]; data: Uint8Array } {
  const [dtype, rows, columns] = plan;
  const values = valuesOf(plan);
  const view = new DataView(new ArrayBuffer(values.length * (dtype === 'F32' ? 4 : 2)));
  for (const [i, value] of values.entries()) {
    if (dtype === 'F32') view.setFloat32(4 * i, value, true);
    else if (dtype === 'F16') view.setFloat16(2 * i, value, true);
    else view.setUint16(2 * i, upperHalf(value), true);
  }
  return { dtype, shape: rows === 1 ? [columns] : [rows, columns], data: new Uint8Array(view.buffer) };
}

/** Plans have values that bfloat16 can say. */
function upperHalf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint16(0);
}

async function readRecorded(context: PartContext): Promise<Recorded> {
  const text = await readFile(context.data('falsifiers/vectors/safetensors/folders.json'), 'utf8');
  const recorded = JSON.parse(text) as Recorded;
  context.oracle({ ...recorded.producer, digest: sha256(text) });
  return recorded;
}

export class Folders {
  readonly #context: PartContext;
  #count = 0;

  constructor(context: PartContext) {
    this.#context = context;
  }

  async write(config: Record<string, unknown>, plan: FolderPlan): Promise<string> {
    const folder = join(this.#context.folder, `folder-${this.#count++}`);
    await mkdir(folder);
    const stated = Object.entries({ ...config, ...plan.config }).filter(([, value]) => value !== null);
    await writeFile(join(folder, 'config.json'), JSON.stringify(Object.fromEntries(stated)));
    for (const [name, tensors] of Object.entries(plan.files)) {
      const held = Object.fromEntries(Object.entries(tensors).map(([key, of]) => [key, stored(of)]));
      await writeFile(join(folder, name), safetensorsOf(held));
    }
    if (plan.index !== null) {
      const index = { metadata: { total_size: 1 }, weight_map: plan.index };
      await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
    }
    return folder;
  }
}

interface Taken {
  head: Float32Array;
  embedding: Float32Array;
  isTied: boolean;
  codes: readonly string[];
}

/** What the product takes; null where it refuses. */
async function taken(context: PartContext, folder: string): Promise<Taken | null> {
  let model: Model;
  try {
    model = await context.openModel(folder);
  } catch (error) {
    if (error instanceof RefuteError) return null;
    throw error;
  }
  const valuesIn = async (name: string): Promise<Float32Array> => {
    const info = model.weights.info(name);
    const bytes = new Uint8Array(info?.byteLength ?? 0);
    await model.weights.read(name, 0, bytes);
    // Less the sign of a zero, in which two equal matrices may differ.
    return (await dequantize(info?.type ?? 'f32', bytes)).map((value) => value + 0);
  };
  const { isTied } = model.config;
  const embedding = await valuesIn('token_embd.weight');
  const head = isTied ? embedding : await valuesIn('output.weight');
  const codes = model.notices.map(({ code }) => code);
  await model.close();
  return { head, embedding, isTied, codes };
}

const isAboutHead = ({ name }: { name: string }): boolean => /^(not )?(tied|stated)/.test(name);
export const RECORDED_HEADS = 17;
export const RECORDED_FILES = 16;

/** One case a folder: 0 where head and embedding are the ones that Transformers takes, and a refusal where it has none. */
export async function compareTransformers(context: PartContext, ofHead: boolean): Promise<void> {
  const { config, folders } = await readRecorded(context);
  const written = new Folders(context);
  for (const plan of folders.filter((one) => isAboutHead(one) === ofHead)) {
    const ours = await taken(context, await written.write(config, plan));
    if ('refused' in plan) {
      context.measure(ours === null ? 0 : 1, `${plan.name}: ${plan.refused}`);
      continue;
    }
    const digests = ours === null ? [] : [ours.head, ours.embedding].map((of) => sha256(new Uint8Array(of.buffer)));
    const isSame = digests[0] === plan.head && digests[1] === plan.embedding && ours?.isTied === plan.isTied;
    context.measure(isSame ? 0 : 1, plan.name);
  }
}

export interface TiedCase {
  embedding: PlannedMatrix | null;
  head: PlannedMatrix | null;
}

const matrix: fc.Arbitrary<PlannedMatrix> = fc
  .record({
    dtype: fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const),
    rows: fc.constantFrom(12, 12, 12, 12, 12, 12, 11),
    change: fc.option(fc.tuple(fc.nat(87), fc.constantFrom(0, -0, 1, 1 / 64, NaN, 2))),
  })
  .map(({ dtype, rows, change }) => [dtype, rows, 8, 5, ...(change === null ? [] : [change])]);

/** One of them may be missing, never both. */
export const tiedCase: fc.Arbitrary<TiedCase> = fc
  .record({ embedding: matrix, head: matrix, missing: fc.constantFrom('', '', '', '', '', 'head', 'embedding') })
  .map(({ embedding, head, missing }) => ({
    embedding: missing === 'embedding' ? null : embedding,
    head: missing === 'head' ? null : head,
  }));

/** 0 where a tied model takes what is stored, and warns where two matrices differ. */
export async function countWrongHead(
  context: PartContext,
  written: Folders,
  { embedding, head }: TiedCase,
): Promise<number> {
  const { config, folders } = await readRecorded(context);
  const body = folders.find(({ name }) => name === 'tied, no head')?.files['model.safetensors'] ?? {};
  const others = Object.entries(body).filter(([name]) => name !== 'model.embed_tokens.weight');
  const own = [
    ...(embedding === null ? [] : [['model.embed_tokens.weight', embedding] as const]),
    ...(head === null ? [] : [['lm_head.weight', head] as const]),
  ];
  const files = { 'model.safetensors': Object.fromEntries([...own, ...others]) };
  const ours = await taken(context, await written.write(config, { config: {}, files, index: null }));
  if ([embedding, head].some((of) => of !== null && of[1] !== 12)) return ours === null ? 0 : 1;
  const [e, h] = [embedding ?? head, head ?? embedding].map((of) => valuesOf(of as PlannedMatrix));
  const isEqual = h?.every((value, i) => value === e?.[i]) === true;
  const isSameBytes = embedding?.[0] === head?.[0] && h?.every((value, i) => Object.is(value, e?.[i])) === true;
  const differ = embedding !== null && head !== null && !isEqual && !isSameBytes;
  const isWarned = ours?.codes.includes('HEAD-NOT-TIED') === true;
  const isRight = sameValues(ours?.head, h) && sameValues(ours?.embedding, e) && ours?.isTied === !differ;
  return isRight && isWarned === differ ? 0 : 1;
}

function sameValues(a: Float32Array | undefined, b: Float32Array | undefined): boolean {
  return a?.length === b?.length && a?.every((value, i) => Object.is(value, (b?.[i] ?? NaN) + 0)) === true;
}

export interface IndexCase {
  /** Of each tensor, the files that hold it. */
  held: readonly (readonly number[])[];
  /** Of each tensor, the file that the index names; null: none. */
  named: readonly (number | null)[];
  hasIndex: boolean;
}

const FILE_COUNT = 4;

export const indexCase: fc.Arbitrary<IndexCase> = fc
  .record({
    tensors: fc.array(
      fc.record({
        files: fc.uniqueArray(fc.nat(FILE_COUNT - 1), { minLength: 1, maxLength: 3 }),
        pick: fc.nat(),
        fate: fc.constantFrom('right', 'right', 'right', 'right', 'right', 'wrong', 'unlisted'),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    hasIndex: fc.constantFrom(true, true, true, false),
  })
  .map(({ tensors, hasIndex }) => ({
    held: tensors.map(({ files }) => files),
    named: tensors.map(({ files, pick, fate }) => {
      if (fate === 'unlisted') return null;
      return fate === 'wrong' ? pick % FILE_COUNT : (files[pick % files.length] ?? 0);
    }),
    hasIndex,
  }));

const fileName = (file: number): string => `part-${file}.safetensors`;

/** 0 where each tensor is read from the file that the index names, what is passed over is said, or a refusal is due. */
export function countWrongFile({ held, named, hasIndex }: IndexCase): number {
  const shards = Array.from({ length: FILE_COUNT }, (_, file): Shard => ({
    name: fileName(file),
    tensors: held.flatMap((files, i) => (files.includes(file) ? [{ name: `t${i}`, byteLength: 1 }] : [])),
  }));
  const listed = named.flatMap((file, i) => (file === null ? [] : [[`t${i}`, fileName(file)] as const]));
  const isDecided = held.every((files, i) => {
    const file = hasIndex ? (named[i] ?? null) : null;
    return file === null ? files.length === 1 : files.includes(file);
  });
  try {
    const { stale, notices } = checkShards('folder', hasIndex ? new Map(listed) : null, shards);
    if (!isDecided) return 1;
    const wrong = held.filter((files, i) => {
      const read = files.filter((file) => stale.get(fileName(file))?.has(`t${i}`) !== true);
      const wanted = (hasIndex ? named[i] : null) ?? files[0];
      return read.length !== 1 || read[0] !== wanted;
    });
    const filesWithStale = [...stale.values()].filter((names) => names.size > 0).length;
    const said = notices.filter(({ code }) => code === 'SAFETENSORS-STALE').length;
    return wrong.length + Math.abs(filesWithStale - said);
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    return isDecided ? 1 : 0;
  }
}

export const LIVE_FOLDERS = 5;

interface StoredTensor {
  dtype: string;
  shape: readonly number[];
  data: Uint8Array;
}

/** The bundled model without its tokenizer. */
async function trained(context: PartContext): Promise<{ config: string; tensors: Map<string, StoredTensor> }> {
  const file = await readFile(context.data('models/sums-2m/hf/model.safetensors'));
  const config = await readFile(context.data('models/sums-2m/hf/config.json'), 'utf8');
  const entries = [...parseSafetensorsFile(file).tensors].map(
    ([name, { bytes, ...of }]) => [name, { ...of, data: Uint8Array.from(bytes) }] as const,
  );
  return { config, tensors: new Map(entries) };
}

function spoilt({ data, ...of }: StoredTensor): StoredTensor {
  return { ...of, data: data.map((byte) => byte ^ 1) };
}

/** The bundled model over several files, with spoilt copies that the index does not name: every tensor as in one file. */
export async function openTrainedShards(context: PartContext): Promise<void> {
  const { config, tensors } = await trained(context);
  const random = new SeededRandom(context.seed);
  for (let n = 0; n < LIVE_FOLDERS; n += 1) {
    const folder = join(context.folder, `shards-${n}`);
    await mkdir(folder);
    await writeFile(join(folder, 'config.json'), config);
    const files = Array.from({ length: FILE_COUNT }, (): Record<string, StoredTensor> => ({}));
    const weight_map: Record<string, string> = {};
    for (const [name, of] of tensors) {
      const home = random.below(FILE_COUNT);
      weight_map[name] = fileName(home);
      (files[home] ?? {})[name] = of;
      const other = (home + 1 + random.below(FILE_COUNT - 1)) % FILE_COUNT;
      if (random.below(3) === 0) (files[other] ?? {})[name] = spoilt(of);
    }
    for (const [file, held] of files.entries()) await writeFile(join(folder, fileName(file)), safetensorsOf(held));
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
    context.measure(await countDiffering(context, folder, tensors), `folder ${n}`);
  }
}

export const LIVE_HEADS = 4;

/** The bundled model, which is tied, with heads that are equal, changed in one value, absent, and alone. */
export async function openTrainedHeads(context: PartContext): Promise<void> {
  const { config, tensors } = await trained(context);
  const embedding = tensors.get('model.embed_tokens.weight') as StoredTensor;
  const random = new SeededRandom(context.seed);
  const at = 2 * random.below(embedding.data.length / 2);
  const changed = { ...embedding, data: embedding.data.map((byte, i) => (i === at ? byte ^ 1 : byte)) };
  const heads: [string, StoredTensor | null, StoredTensor | null][] = [
    ['equal', embedding, embedding],
    ['changed in one value', embedding, changed],
    ['absent', embedding, null],
    ['alone', null, changed],
  ];
  for (const [name, first, head] of heads) {
    const folder = join(context.folder, `head-${name}`);
    await mkdir(folder);
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({ ...(JSON.parse(config) as object), tie_word_embeddings: true }),
    );
    const held = new Map(tensors);
    held.delete('lm_head.weight');
    held.delete('model.embed_tokens.weight');
    if (first !== null) held.set('model.embed_tokens.weight', first);
    if (head !== null) held.set('lm_head.weight', head);
    await writeFile(join(folder, 'model.safetensors'), safetensorsOf(Object.fromEntries(held)));
    const wanted = new Map([
      ['lm_head.weight', head ?? embedding],
      ['model.embed_tokens.weight', first ?? changed],
    ]);
    context.measure(await countDiffering(context, folder, wanted), name);
  }
}

/** Of the program's weights, those that are not the wanted tensor's bytes; a head that is tied is the embedding. */
async function countDiffering(
  context: PartContext,
  folder: string,
  wanted: ReadonlyMap<string, StoredTensor>,
): Promise<number> {
  let model: Model;
  try {
    model = await context.openModel(folder);
  } catch (error) {
    if (error instanceof RefuteError) return NaN;
    throw error;
  }
  const names = new Map(model.tensors.map(({ name, storedName = name }) => [storedName, name]));
  let differing = 0;
  for (const [storedName, { data }] of wanted) {
    const isTiedHead = storedName === 'lm_head.weight' && model.config.isTied;
    const alone = names.has('model.embed_tokens.weight') ? 'model.embed_tokens.weight' : 'lm_head.weight';
    const isEmbedding = isTiedHead || storedName === 'model.embed_tokens.weight';
    const name = names.get(isEmbedding ? alone : storedName) ?? storedName;
    const there = new Uint8Array(model.weights.info(name)?.byteLength ?? 0);
    await model.weights.read(name, 0, there);
    differing += Buffer.compare(there, data) === 0 ? 0 : 1;
  }
  await model.close();
  return differing;
}
