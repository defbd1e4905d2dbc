// GGUF models in several files: split at searched places by a writer that shares nothing with the product, whole or broken
// in a named way; from any file one model, or refused. Beside llama.cpp, which opens the same files by the first of them.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { RefuteError } from '../../src/errors.ts';
import { DISK } from '../../src/engine/io/disk.ts';
import { openShards } from '../../src/engine/model/open-model-gguf-split.ts';
import { openFile } from '../../src/engine/io/open-file.ts';
import type { Model } from '../../src/engine/model/model.ts';
import { loadLlamaCpp, type LlamaCppModel } from '../../src/oracles/external/llama-cpp.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { planOf } from '../kit/models/file-plan.ts';
import { ggufFile, text, type GgufEntry, type GgufPlan, type GgufTensor } from '../kit/models/gguf-bytes.ts';
import { ggufPlan } from './plans.ts';

/** One file of a split before it is written. */
interface Shard {
  name: string;
  /** By key; a file without one lacks it. */
  split: Map<string, number>;
  metadata: readonly GgufEntry[];
  tensors: readonly GgufTensor[];
}

interface SplitBreakage {
  name: string;
  /** Of at least two files, with a tensor in file `pick`. Changes them in place. */
  apply(shards: Shard[], pick: number): void;
}

const at = (shards: readonly Shard[], pick: number): Shard => shards[pick] as Shard;

/** Every rule of a split that its files can break. */
export const SPLIT_BREAKAGES: readonly SplitBreakage[] = [
  { name: 'a file is missing', apply: (shards, pick) => void shards.splice(pick, 1) },
  { name: 'a file has another name', apply: (shards, pick) => void (at(shards, pick).name = 'renamed.gguf') },
  { name: 'a file is of another place', apply: (shards, pick) => void at(shards, pick).split.set('split.no', 77) },
  { name: 'a file is of another split', apply: (shards, pick) => void at(shards, pick).split.set('split.count', 77) },
  {
    name: 'a file is of a split of more tensors',
    apply: (shards, pick) => void at(shards, pick).split.set('split.tensors.count', 777),
  },
  { name: 'a file does not say its place', apply: (shards, pick) => void at(shards, pick).split.delete('split.no') },
  {
    name: 'the first file does not say how many tensors there are',
    apply: (shards) => void at(shards, 0).split.delete('split.tensors.count'),
  },
  {
    name: 'all files say more tensors than there are',
    apply: (shards) => {
      for (const { split } of shards) split.set('split.tensors.count', 1 + (split.get('split.tensors.count') ?? 0));
    },
  },
  {
    name: 'a tensor is missing',
    apply: (shards, pick) => void (at(shards, pick).tensors = at(shards, pick).tensors.slice(1)),
  },
  {
    name: 'a file is of another architecture',
    apply: (shards) => {
      const last = shards.at(-1) as Shard;
      last.metadata = [text('general.architecture', 'another'), ...last.metadata];
    },
  },
  // Last: llama.cpp does not survive it, so that it is left out there.
  {
    name: 'a tensor is in two files',
    apply: (shards, pick) => {
      const [other] = shards.filter((_, no) => no !== pick);
      if (other !== undefined) other.tensors = [...other.tensors, ...at(shards, pick).tensors.slice(0, 1)];
    },
  },
];

function shardsOf(plan: GgufPlan, cuts: readonly number[]): Shard[] {
  const bounds = [0, ...cuts.toSorted((a, b) => a - b), plan.tensors.length];
  const count = bounds.length - 1;
  const digits = (n: number): string => String(n).padStart(5, '0');
  return Array.from({ length: count }, (_, no) => ({
    name: `m-${digits(no + 1)}-of-${digits(count)}.gguf`,
    split: new Map([
      ['split.no', no],
      ['split.count', count],
      ['split.tensors.count', plan.tensors.length],
    ]),
    metadata: no === 0 ? plan.metadata : [],
    tensors: plan.tensors.slice(bounds[no], bounds[no + 1]),
  }));
}

/** As llama-gguf-split types them. Later files are aligned as usual: their metadata does not say otherwise. */
async function writeShards(folder: string, shards: readonly Shard[], alignment: number | undefined): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  for (const [no, { name, split, metadata, tensors }] of shards.entries()) {
    const keys = [...split].map(([key, value]): GgufEntry => ({
      key,
      value: { type: key === 'split.tensors.count' ? 'i32' : 'u16', value },
    }));
    const own = no === 0 && alignment !== undefined ? { alignment } : {};
    await writeFile(join(folder, name), ggufFile({ ...own, metadata: [...metadata, ...keys], tensors }).bytes);
  }
  return shards.map(({ name }) => join(folder, name));
}

/** A file of the split that holds a tensor, by `pick`. */
function pickFilled(shards: readonly Shard[], pick: number): number {
  const filled = shards.flatMap(({ tensors }, no) => (tensors.length > 0 ? [no] : []));
  return filled[pick % filled.length] ?? 0;
}

export interface SplitCase {
  plan: GgufPlan;
  cuts: readonly number[];
  opened: number;
  pick: number;
  /** Index of a breakage; none: the split is as it should be. */
  breakage: number | null;
}

export const splitCase: fc.Arbitrary<SplitCase> = fc.record({
  plan: ggufPlan,
  cuts: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
  opened: fc.nat(),
  pick: fc.nat(),
  breakage: fc.option(fc.nat(SPLIT_BREAKAGES.length - 1)),
});

export class SplitFolders {
  readonly #root: string;
  #count = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** Paths of the files, in order, and the one to open. */
  async write(
    of: Omit<SplitCase, 'breakage'>,
    breakage: SplitBreakage | null,
  ): Promise<{ paths: string[]; opened: string }> {
    const shards = shardsOf(
      of.plan,
      of.cuts.map((cut) => Math.min(cut, of.plan.tensors.length)),
    );
    // The file that is opened is there, whatever is broken.
    breakage?.apply(shards, pickFilled(shards, of.pick));
    const paths = await writeShards(join(this.#root, `split-${this.#count++}`), shards, of.plan.alignment);
    return { paths, opened: paths[of.opened % paths.length] ?? '' };
  }
}

/** 0 where a whole split reads as its plan and a broken one is refused, else the number of differences, or 1. */
export async function countMisreadSplit(folders: SplitFolders, { breakage, ...of }: SplitCase): Promise<number> {
  const broken = breakage === null ? null : (SPLIT_BREAKAGES[breakage] ?? null);
  const { opened } = await folders.write(of, broken);
  const source = await openFile(opened);
  try {
    const shards = await openShards(DISK, source);
    const differing = broken === null ? await countDifferences(of.plan, shards) : 1;
    await Promise.all(shards.filter((shard) => shard.source !== source).map((shard) => shard.source.close()));
    return differing;
  } catch (error) {
    return error instanceof RefuteError && broken !== null ? 0 : 1;
  } finally {
    await source.close();
  }
}

async function countDifferences(plan: GgufPlan, shards: Awaited<ReturnType<typeof openShards>>): Promise<number> {
  const found = shards.flatMap(({ source, file }) => file.tensors.map((tensor) => ({ source, tensor })));
  const metadata = shards[0]?.file.entries.map(({ key }) => key).filter((key) => !key.startsWith('split.')) ?? [];
  let differences = Math.abs(found.length - plan.tensors.length);
  differences += metadata.join('\0') === plan.metadata.map(({ key }) => key).join('\0') ? 0 : 1;
  for (const [i, { name, dimensions, bytes }] of plan.tensors.entries()) {
    const there = new Uint8Array(found[i]?.tensor.byteLength ?? 0);
    await found[i]?.source.read(found[i].tensor.byteOffset, there);
    const isSame = found[i]?.tensor.name === name && found[i].tensor.shape.toReversed().join() === dimensions.join();
    differences += isSame && Buffer.compare(there, bytes) === 0 ? 0 : 1;
  }
  return differences;
}

export const LIVE_SPLITS = 6;

function* trainedSplits(plan: GgufPlan, seed: number): Generator<Omit<SplitCase, 'breakage'>> {
  const random = new SeededRandom(seed);
  for (;;) {
    const cuts = Array.from({ length: 1 + random.below(4) }, () => random.below(plan.tensors.length + 1));
    yield { plan, cuts, opened: random.below(8), pick: random.below(8) };
  }
}

/** The bundled model, split and whole splits broken: every weight as in one file, or refused. */
export async function openTrainedSplits(context: PartContext, path: string): Promise<void> {
  const plan = await planOf(path);
  const folders = new SplitFolders(context.folder);
  const splits = trainedSplits(plan, context.seed);
  for (let n = 0; n < LIVE_SPLITS; n += 1) {
    const { opened } = await folders.write(splits.next().value as SplitCase, null);
    context.measure(await countDifferingWeights(context, plan, opened), opened);
  }
  for (const breakage of SPLIT_BREAKAGES) {
    const { opened } = await folders.write(splits.next().value as SplitCase, breakage);
    context.measure((await isOpened(context, opened)) ? 1 : 0, breakage.name);
  }
}

async function countDifferingWeights(context: PartContext, plan: GgufPlan, path: string): Promise<number> {
  let model: Model;
  try {
    model = await context.openModel(path);
  } catch (error) {
    if (error instanceof RefuteError) return NaN;
    throw error;
  }
  let differing = 0;
  for (const { name, bytes } of plan.tensors) {
    const there = new Uint8Array(model.weights.info(name)?.byteLength ?? 0);
    await model.weights.read(name, 0, there);
    if (Buffer.compare(there, bytes) !== 0) differing += 1;
  }
  await model.close();
  return differing;
}

async function isOpened(context: PartContext, path: string): Promise<boolean> {
  try {
    await (await context.openModel(path)).close();
    return true;
  } catch (error) {
    if (error instanceof RefuteError) return false;
    throw error;
  }
}

/** All but the one that ends llama.cpp's process. */
const ASKED_BREAKAGES = SPLIT_BREAKAGES.slice(0, -1);
export const ORACLE_SPLITS: number = LIVE_SPLITS + ASKED_BREAKAGES.length;
const TOKENS = [266, 198, 272];

/** What llama.cpp opens to the logits of the whole we read to its weights; what it refuses we refuse. */
export async function compareLlamaCppSplits(context: PartContext, path: string): Promise<void> {
  const loaded = await loadLlamaCpp();
  if (!loaded.available) throw new Error(loaded.reason);
  const { llama } = loaded;
  context.oracle({ name: llama.name, version: llama.version });
  const plan = await planOf(path);
  const logitsOf = async (file: string): Promise<Buffer | null> => {
    let opened: LlamaCppModel;
    try {
      opened = await llama.openModel(file);
    } catch {
      return null;
    }
    const logits = await opened.logits(TOKENS);
    await opened.close();
    return Buffer.from(logits.buffer);
  };
  const whole = await logitsOf(path);
  const folders = new SplitFolders(context.folder);
  const splits = trainedSplits(plan, context.seed);
  for (let n = 0; n < LIVE_SPLITS; n += 1) {
    const { paths, opened } = await folders.write(splits.next().value as SplitCase, null);
    const theirs = await logitsOf(paths[0] ?? '');
    const isTheirs = theirs !== null && whole !== null && theirs.equals(whole);
    context.measure(isTheirs ? await countDifferingWeights(context, plan, opened) : NaN, opened);
  }
  for (const breakage of ASKED_BREAKAGES) {
    const { paths, opened } = await folders.write(splits.next().value as SplitCase, breakage);
    const theirs = await logitsOf(paths[0] ?? '');
    // llama.cpp believes some of what later files say wrongly, or does not look: then a refusal is ours alone.
    const isWrong = await isOpened(context, opened);
    context.measure(isWrong ? 1 : 0, `${breakage.name}; llama.cpp ${theirs === null ? 'refuses' : 'opens'} it`);
  }
  // Not awaited: after a file that it refused, the binding never says that it has closed.
  void llama.close();
}
