// How far back each layer looks, from a GGUF file: one number, and which layers it is for. llama.cpp goes by both for
// Gemma, and by neither for the other architectures here, whose files are kept to all the same and say so.
import type { ConfigParts } from './config-parts.ts';
import type { ConfigReader } from './config-reader.ts';
import { lastOfEach, LIMITS } from './config-rules.ts';

const KEY = 'attention.sliding_window';
const PATTERN = 'attention.sliding_window_pattern';

/** In every layer where there is one, unless the file says which layers. */
export const plainWindow: ConfigParts['window'] = (reader, { layerCount }) => {
  reader.record('fullAttentionLayers', 'architecture', 'none');
  const slidingWindow = statedWindow(reader);
  const fullAttentionLayers = slidingWindow === null ? [] : fullLayersFromGguf(reader, layerCount, 0);
  if (slidingWindow !== null && fullAttentionLayers.length < layerCount) {
    const stated = reader.get(PATTERN) === undefined ? '' : `, for the layers of ${reader.full(PATTERN)}`;
    reader.notices.push({
      severity: 'note',
      code: 'SLIDING-WINDOW',
      message: `${reader.full(KEY)} is ${slidingWindow} and is kept to${stated}; llama.cpp ignores it for this architecture, so longer prompts differ.`,
    });
  }
  return { slidingWindow, fullAttentionLayers };
};

export function statedWindow(reader: ConfigReader): number | null {
  // 0 is how some converters write "none".
  if (reader.get(KEY) !== undefined && reader.get(KEY) !== 0) {
    return reader.count('slidingWindow', KEY, LIMITS.slidingWindow) ?? null;
  }
  reader.record('slidingWindow', 'architecture', 'none unless stated');
  return null;
}

/**
 * Layers that see all positions in spite of a window: the last of each `period` layers, unless the file says another
 * number, or lists for every layer whether it has the window. Of a period of 0, none.
 *
 * @throws RefuteError E_CONFIG_VALUE
 */
export function fullLayersFromGguf(reader: ConfigReader, layerCount: number, period: number): number[] {
  const stated = reader.get(PATTERN);
  if (stated === undefined) {
    const rule = period === 0 ? 'none unless stated' : `the last of each ${period} layers`;
    reader.record('fullAttentionLayers', 'architecture', rule);
    return lastOfEach(period, layerCount);
  }
  reader.record('fullAttentionLayers', 'metadata', reader.full(PATTERN));
  if (isCount(stated)) return lastOfEach(stated, layerCount);
  const isList = Array.isArray(stated) && stated.length === layerCount;
  if (isList && (stated.every((one) => typeof one === 'boolean') || stated.every((one) => isCount(one)))) {
    return stated.flatMap((hasWindow, layer) => (Number(hasWindow) > 0 ? [] : [layer]));
  }
  throw reader.valueError(PATTERN, stated, `one number, or ${layerCount} truth values`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
