// Compares two captures stage by stage in order of execution, and finds where they begin to part. Says what differs and
// where, never what is wrong: a distance that grew here may have been made earlier, and no error budget is applied.
import { likeForLike } from '../../engine/capture/like-for-like.ts';
import { stageRank } from '../../engine/program/stages.ts';
import type { Capture } from '../../engine/capture/read-capture.ts';
import type { CapturedFile } from '../../engine/capture/manifest.ts';
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
  /** Paths of stages that only one side has; they were not compared. */
  onlyInA: string[];
  onlyInB: string[];
  /** Stages of both whose shapes differ. */
  shapeMismatches: { path: string; a: readonly number[]; b: readonly number[] }[];
  /** What the logits would have chosen, per position; null where lm_head is not in both. */
  choices: ChoiceComparison[] | null;
  /** Path of the first stage that is not the same bits: a fact. */
  firstDifference: string | null;
  /**
   * Where the cosine falls most from one stage to the next: a heuristic, no error budget is applied. null where it falls
   * nowhere by more than rounding alone explains.
   */
  largestDrop: { path: string; cosineDelta: number | null; why: 'cosine' | 'non-finite values differ' } | null;
}

export interface StageComparison extends TensorComparison {
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

/** @throws RefuteError as `Capture.read` does: a file that is missing or not what its manifest says */
export async function compareCaptures(a: Capture, b: Capture, selection: CaptureSelection): Promise<CaptureComparison> {
  const refusals = likeForLike(a.manifest, b.manifest);
  const result: CaptureComparison = {
    verdict: 'declined',
    refusals,
    stages: [],
    ...inventory(a, b, selection),
    choices: null,
    firstDifference: null,
    largestDrop: null,
  };
  if (refusals.length > 0) return result;
  const shared = sharedStages(a, b, selection);
  let cosineBefore = 1;
  for (const [i, { path, file }] of shared.entries()) {
    selection.onProgress?.(path, i, shared.length);
    const [dataA, dataB] = [await a.read(path), await b.read(path)];
    const comparison = compareTensors(dataA, dataB, selection.limit);
    const { cosine } = comparison;
    result.stages.push({
      path,
      stage: file.stage,
      layer: file.layer,
      shape: file.shape,
      ...comparison,
      cosineDelta: cosine === null ? null : cosine - cosineBefore,
      differingPositions: differingPositions(dataA, dataB, file.shape, firstPosition(a)),
    });
    cosineBefore = cosine ?? cosineBefore;
    if (file.stage === 'lm_head') result.choices = compareChoices(dataA, dataB, file.shape[1] ?? 1, firstPosition(a));
  }
  const isDifferent = result.stages.some((stage) => !stage.bitIdentical);
  const isComplete = result.stages.length > 0 && result.shapeMismatches.length === 0;
  result.verdict = isDifferent ? 'differ' : isComplete ? 'identical' : 'declined';
  result.firstDifference = result.stages.find((stage) => !stage.bitIdentical)?.path ?? null;
  result.largestDrop = largestDrop(result.stages);
  return result;
}

/** Position of row 0 of every stage. */
function firstPosition({ manifest }: Capture): number {
  return manifest.positions === 'all' ? 0 : manifest.tokens.length - 1;
}

interface ListedStage {
  path: string;
  file: CapturedFile;
}

/** Those of the selection, in order of execution: layer by layer, then of the whole model; names unknown here last. */
function selectedStages(capture: Capture, { stages, layers }: CaptureSelection): ListedStage[] {
  const place = ({ file: { layer, stage } }: ListedStage): [number, number] => {
    const rank = stageRank(stage);
    return [layer ?? Number.MAX_SAFE_INTEGER, rank === -1 ? Number.MAX_SAFE_INTEGER : rank];
  };
  return capture.paths
    .flatMap((path): ListedStage[] => {
      const file = capture.file(path);
      return file === undefined ? [] : [{ path, file }];
    })
    .filter(({ file: { stage, layer } }) => {
      const isLayerWanted = layer === null || layers === null || layers.has(layer);
      return isLayerWanted && (stages === null || stages.has(stage));
    })
    .toSorted((p, q) => {
      const [layerP, rankP] = place(p);
      const [layerQ, rankQ] = place(q);
      return layerP - layerQ || rankP - rankQ;
    });
}

function sharedStages(a: Capture, b: Capture, selection: CaptureSelection): ListedStage[] {
  return selectedStages(a, selection).filter(({ path, file }) => {
    const other = b.file(path);
    return other !== undefined && isSameShape(file.shape, other.shape);
  });
}

function inventory(
  a: Capture,
  b: Capture,
  selection: CaptureSelection,
): Pick<CaptureComparison, 'onlyInA' | 'onlyInB' | 'shapeMismatches'> {
  const [stagesA, stagesB] = [selectedStages(a, selection), selectedStages(b, selection)];
  return {
    onlyInA: stagesA.filter(({ path }) => b.file(path) === undefined).map(({ path }) => path),
    onlyInB: stagesB.filter(({ path }) => a.file(path) === undefined).map(({ path }) => path),
    shapeMismatches: stagesA.flatMap(({ path, file }) => {
      const other = b.file(path);
      if (other === undefined || isSameShape(file.shape, other.shape)) return [];
      return [{ path, a: file.shape, b: other.shape }];
    }),
  };
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
