// The parts of a config that architectures disagree on, and how they are read of a plain decoder: it has none of them.
import type { ModelConfig } from '../program/config.ts';
import type { ConfigReader } from './config-reader.ts';

/** Read before the parts. */
export type Dimensions = Pick<ModelConfig, 'layerCount' | 'modelDim' | 'headCount' | 'headDim'>;

interface PartKeys {
  window: 'slidingWindow' | 'fullAttentionLayers';
  localRope: 'localTheta';
  attentionScale: 'attentionScale';
  softcaps: 'attentionSoftcap' | 'logitSoftcap';
  scales: 'embeddingScale' | 'normOffset';
  experts: 'experts';
}

/** Each takes its keys from the file and records where every number of its part came from. */
export type ConfigParts = {
  readonly [Part in keyof PartKeys]: (reader: ConfigReader, of: Dimensions) => Pick<ModelConfig, PartKeys[Part]>;
};

/** The same in every format. */
export const PLAIN_PARTS: Omit<ConfigParts, 'window'> = {
  localRope: (reader) => {
    reader.record('localTheta', 'architecture', 'none');
    return { localTheta: null };
  },
  attentionScale: (reader, { headDim }) => {
    reader.record('attentionScale', 'architecture', '1 / √headDim');
    return { attentionScale: 1 / Math.sqrt(headDim) };
  },
  softcaps: (reader) => {
    for (const name of ['attentionSoftcap', 'logitSoftcap'] as const) reader.record(name, 'architecture', 'none');
    return { attentionSoftcap: null, logitSoftcap: null };
  },
  scales: (reader) => {
    for (const name of ['embeddingScale', 'normOffset'] as const) reader.record(name, 'architecture', 'none');
    return { embeddingScale: 1, normOffset: 0 };
  },
  experts: (reader) => {
    for (const name of ['count', 'usedCount', 'ffnDim', 'isRenormalised'] as const) {
      reader.record(`experts.${name}`, 'architecture', 'none');
    }
    return { experts: null };
  },
};

export function readParts(
  reader: ConfigReader,
  { window, localRope, attentionScale, softcaps, scales, experts }: ConfigParts,
  of: Dimensions,
): Pick<ModelConfig, PartKeys[keyof PartKeys]> {
  return {
    ...window(reader, of),
    ...localRope(reader, of),
    ...attentionScale(reader, of),
    ...softcaps(reader, of),
    ...scales(reader, of),
    ...experts(reader, of),
  };
}
