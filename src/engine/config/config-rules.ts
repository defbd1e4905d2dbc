// What readers of a config have in common, whatever the file format: limits, and checks of several numbers together.
import { RefuteError } from '../../errors.ts';
import type { ModelConfig, Provenance } from '../program/config.ts';
import type { Architectures } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';

type LimitName =
  | 'layerCount'
  | 'modelDim'
  | 'ffnDim'
  | 'headCount'
  | 'headDim'
  | 'vocabSize'
  | 'contextLength'
  | 'slidingWindow'
  | 'expertCount';

/** Far above any model in use, far below what would overflow a product of two. */
export const LIMITS: Readonly<Record<LimitName, number>> = {
  layerCount: 4_096,
  modelDim: 2 ** 20,
  ffnDim: 2 ** 22,
  headCount: 2 ** 16,
  headDim: 2 ** 16,
  vocabSize: 2 ** 24,
  contextLength: 2 ** 31 - 1,
  slidingWindow: 2 ** 31 - 1,
  expertCount: 2 ** 16,
};

export function unknownArchitecture(place: string, is: string, known: Architectures): RefuteError {
  const names = [...known.keys()].join(', ');
  return new RefuteError({ code: 'E_CONFIG_ARCHITECTURE', place, is, allowed: `${names} are supported` });
}

/** @throws RefuteError E_CONFIG_HEADS */
export function checkHeads(path: string, headCount: number, kvHeadCount: number): void {
  if (headCount % kvHeadCount === 0) return;
  const is = `${headCount} query heads share ${kvHeadCount} key-value heads`;
  const allowed = 'the first must be a multiple of the second';
  throw new RefuteError({ code: 'E_CONFIG_HEADS', place: path, is, allowed });
}

/** Of layers from 0, the last of each `period`. */
export function lastOfEach(period: number, layerCount: number): number[] {
  return Array.from({ length: layerCount }, (_, layer) => layer).filter((layer) => layer % period === period - 1);
}

/** Every key has been recorded; a test holds that. */
export function provenanceOf({ provenance }: ConfigReader): ModelConfig['provenance'] {
  return Object.fromEntries(provenance) as Record<keyof ModelConfig['provenance'], Provenance>;
}
