// How far back each layer looks, from a GGUF file: one number, and for some architectures which layers it is for.
import type { ConfigParts } from './config-parts.ts';
import type { ConfigReader } from './config-reader.ts';
import { lastOfEach, LIMITS } from './config-rules.ts';

const KEY = 'attention.sliding_window';

/** In every layer where there is one. */
export const plainWindow: ConfigParts['window'] = (reader) => {
  reader.record('fullAttentionLayers', 'architecture', 'none');
  const slidingWindow = statedWindow(reader);
  if (slidingWindow !== null) {
    reader.notices.push({
      severity: 'note',
      code: 'SLIDING-WINDOW',
      message: `${reader.full(KEY)} is ${slidingWindow} and is kept to; llama.cpp ignores it for this architecture, so longer prompts differ.`,
    });
  }
  return { slidingWindow, fullAttentionLayers: [] };
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
 * number, or lists for every layer whether it has the window.
 *
 * @throws RefuteError E_CONFIG_VALUE
 */
export function fullLayersFromGguf(reader: ConfigReader, layerCount: number, period: number): number[] {
  const key = 'attention.sliding_window_pattern';
  const stated = reader.get(key);
  if (Array.isArray(stated)) {
    if (stated.length !== layerCount || !stated.every((one) => typeof one === 'boolean')) {
      throw reader.valueError(key, stated, `one number, or ${layerCount} truth values`);
    }
    reader.record('fullAttentionLayers', 'metadata', reader.full(key));
    return stated.flatMap((hasWindow, layer) => (hasWindow === true ? [] : [layer]));
  }
  reader.record('fullAttentionLayers', 'architecture', `the last of each ${period} layers`);
  return lastOfEach(reader.count('fullAttentionLayers', key, LIMITS.layerCount) ?? period, layerCount);
}
