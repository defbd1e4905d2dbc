// Compares two recordings stage by stage in order of execution, and finds where they begin to part. Says what
// differs and where, never what is wrong: a distance that grew here may have been made earlier, and no error budget
// is applied.
import { inOrder } from '../../engine/program/stages.ts';
import { roundedFloats } from '../recordings/floats.ts';
import type { RecordedTensor, Recording } from '../recordings/recording.ts';
import { likeForLike } from './like-for-like.ts';
import { isSameShape } from './models.ts';
import { compareChoices, type ChoiceComparison } from './positions.ts';
import { compareTensors, type TensorComparison } from './tensors.ts';

export interface CaptureComparison {
  /**
   * `identical`: every stage that was compared, and at least one was. `differ`: at least one. `declined`: not like for
   * like, or nothing was compared, or nothing differs but a stage of both could not be compared.
   */
  verdict: 'identical' | 'differ' | 'declined';
  /** Why the captures may not be compared at all; empty where they may. */
  refusals: string[];
  /** In order of execution. */
  stages: StageComparison[];
  /** Ids of stages that only one side has; they were not compared. */
  onlyInA: string[];
  onlyInB: string[];
  /** Stages of both whose shapes differ. */
  shapeMismatches: { path: string; a: readonly number[]; b: readonly number[] }[];
  /** What the logits would have chosen, per position; null where lm_head is not in both. */
  choices: ChoiceComparison[] | null;
  /** Id of the first stage that is not the same bits: a fact. */
  firstDifference: string | null;
  /**
   * Where the cosine falls most from one stage to the next: a heuristic, no error budget is applied. null where it
   * falls nowhere by more than rounding alone explains.
   */
  largestDrop: { path: string; cosineDelta: number | null; why: 'cosine' | 'non-finite values differ' } | null;
}

export interface StageComparison extends TensorComparison {
  /** Its id: `layer-3/attn_norm`. */
  path: string;
  stage: string;
  layer: number | null;
  /** [positions, channels], or [heads, queries, keys]. */
  shape: readonly number[];
  /** Cosine minus that of the stage before; before the first it is 1. null where this stage has none. */
  cosineDelta: number | null;
  /** Of stages of one row per position: the positions with a differing bit, of the sequence. Else null. */
  differingPositions: number[] | null;
}

export interface CaptureSelection {
  /** null: all. */
  stages: ReadonlySet<string> | null;
  /** Does not bind whole-model stages. null: all. */
  layers: ReadonlySet<number> | null;
  /** Divergences to keep per stage. */
  limit: number;
  onProgress?: (path: string, done: number, total: number) => void;
}

/** @throws RefuteError as `Recording.read` does: a file that is missing or not what its manifest says */
export async function compareCaptures(
  a: Recording,
  b: Recording,
  selection: CaptureSelection,
): Promise<CaptureComparison> {
  const refusals = likeForLike(a, b);
  const [listA, listB] = [selectedStages(a, selection), selectedStages(b, selection)];
  const shared = listA.filter(({ path, shape }) => isSameShape(shape, b.tensors.get(path)?.shape ?? []));
  const result: CaptureComparison = {
    verdict: 'declined',
    refusals,
    stages: [],
    onlyInA: listA.flatMap(({ path }) => (b.tensors.has(path) ? [] : [path])),
    onlyInB: listB.flatMap(({ path }) => (a.tensors.has(path) ? [] : [path])),
    shapeMismatches: listA.flatMap(({ path, shape }) => {
      const other = b.tensors.get(path);
      return other === undefined || isSameShape(shape, other.shape) ? [] : [{ path, a: shape, b: other.shape }];
    }),
    choices: null,
    firstDifference: null,
    largestDrop: null,
  };
  if (refusals.length > 0) return result;
  let cosineBefore = 1;
  for (const [i, { path, name, layer, shape }] of shared.entries()) {
    selection.onProgress?.(path, i, shared.length);
    const [dataA, dataB] = [roundedFloats((await a.read(path)).data), roundedFloats((await b.read(path)).data)];
    const comparison = compareTensors(dataA, dataB, selection.limit);
    const { cosine } = comparison;
    result.stages.push({
      path,
      stage: name,
      layer,
      shape,
      ...comparison,
      cosineDelta: cosine === null ? null : cosine - cosineBefore,
      differingPositions: differingPositions(dataA, dataB, shape, firstPosition(a)),
    });
    cosineBefore = cosine ?? cosineBefore;
    if (name === 'lm_head') result.choices = compareChoices(dataA, dataB, shape[1] ?? 1, firstPosition(a));
  }
  const isDifferent = result.stages.some((stage) => !stage.bitIdentical);
  const isComplete = result.stages.length > 0 && result.shapeMismatches.length === 0;
  result.verdict = isDifferent ? 'differ' : isComplete ? 'identical' : 'declined';
  result.firstDifference = result.stages.find((stage) => !stage.bitIdentical)?.path ?? null;
  result.largestDrop = largestDrop(result.stages);
  return result;
}

/** Position of row 0 of every stage. */
function firstPosition({ positions, tokens }: Recording): number {
  return positions === 'all' ? 0 : (tokens?.length ?? 1) - 1;
}

/** Those of the selection, in the order of execution; names unknown here last. */
function selectedStages(
  { tensors }: Recording,
  { stages, layers }: CaptureSelection,
): (RecordedTensor & { path: string })[] {
  return [...tensors]
    .map(([path, tensor]) => ({ path, ...tensor }))
    .filter(({ name, layer }) => {
      const isLayerWanted = layer === null || layers === null || layers.has(layer);
      return isLayerWanted && (stages === null || stages.has(name));
    })
    .toSorted(inOrder);
}

function differingPositions(
  a: Float32Array,
  b: Float32Array,
  shape: readonly number[],
  first: number,
): number[] | null {
  const [rowCount, columnCount] = shape;
  if (shape.length !== 2 || rowCount === undefined || columnCount === undefined) return null;
  const bitsA = new Uint32Array(a.buffer, a.byteOffset, a.length);
  const bitsB = new Uint32Array(b.buffer, b.byteOffset, b.length);
  const positions: number[] = [];
  for (let row = 0; row < rowCount; row += 1) {
    let i = row * columnCount;
    const end = i + columnCount;
    while (i < end && bitsA[i] === bitsB[i]) i += 1;
    if (i < end) positions.push(first + row);
  }
  return positions;
}

/**
 * Smaller falls of the cosine are not pointed at: two right float32 engines move it by some 1e-13 per stage, an 8-bit
 * step by some 1e-5. It only keeps a heuristic quiet; nothing passes because of it.
 */
const LEAST_DROP = 1e-8;

/** A stage where non-finite values begin to differ outranks every cosine, since no later cosine means much. */
function largestDrop(stages: readonly StageComparison[]): CaptureComparison['largestDrop'] {
  const broken = stages.find(({ nonFiniteMismatches }) => nonFiniteMismatches > 0);
  if (broken !== undefined) return { path: broken.path, cosineDelta: null, why: 'non-finite values differ' };
  const falls = stages.flatMap(({ path, cosineDelta }) =>
    cosineDelta !== null && cosineDelta < -LEAST_DROP ? [{ path, cosineDelta }] : [],
  );
  const [deepest] = falls.toSorted((p, q) => p.cosineDelta - q.cosineDelta);
  return deepest === undefined ? null : { ...deepest, why: 'cosine' };
}
