// How far back each layer looks, from config.json. Model types disagree on what switches a window on.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import { lastOfEach, LIMITS } from './config-rules.ts';
import type { ModelConfig } from '../program/config.ts';
import type { HfModelType, WindowPeriod } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';

type Windows = Pick<ModelConfig, 'slidingWindow' | 'fullAttentionLayers'>;

/** @throws RefuteError E_CONFIG_VALUE, E_CONFIG_UNSUPPORTED */
export function windowFromHf(reader: ConfigReader, window: HfModelType['window'], layerCount: number): Windows {
  reader.record('fullAttentionLayers', 'architecture', 'none');
  const isSwitchedOn = window !== 'never' && (window !== 'switched' || reader.get('use_sliding_window') === true);
  const isLeftOut = window === 'stated' && reader.get('sliding_window') === undefined;
  if (!isSwitchedOn || isLeftOut || reader.isNull('sliding_window')) {
    if (typeof window === 'object' && fullLayers(reader, window, layerCount).length < layerCount) {
      throw reader.valueError('sliding_window', null, 'a number: there are layers with a window');
    }
    const isStated = reader.isNull('sliding_window') || reader.get('use_sliding_window') !== undefined;
    if (window === 'never' || !isStated) reader.record('slidingWindow', 'architecture', 'none unless switched on');
    else
      reader.record('slidingWindow', 'metadata', reader.full(isSwitchedOn ? 'sliding_window' : 'use_sliding_window'));
    return { slidingWindow: null, fullAttentionLayers: [] };
  }
  const slidingWindow =
    reader.count('slidingWindow', 'sliding_window', LIMITS.slidingWindow) ??
    reader.default('slidingWindow', 'SLIDING-WINDOW-DEFAULT', 'sliding_window', 4_096, "Transformers' default");
  const isInEach = window === 'always' || window === 'stated';
  return { slidingWindow, fullAttentionLayers: isInEach ? [] : fullLayers(reader, window, layerCount) };
}

function fullLayers(reader: ConfigReader, window: 'switched' | WindowPeriod, layerCount: number): number[] {
  const layers = Array.from({ length: layerCount }, (_, layer) => layer);
  const types = reader.get('layer_types');
  if (types !== undefined) {
    reader.record('fullAttentionLayers', 'metadata', reader.full('layer_types'));
    return layers.filter((layer) => isFull(reader, types, layer, layerCount));
  }
  if (window !== 'switched') {
    reader.record('fullAttentionLayers', 'architecture', `the last of each ${window.layers} layers`);
    const { key } = window;
    const stated = key === undefined ? undefined : reader.count('fullAttentionLayers', key, LIMITS.layerCount);
    return lastOfEach(stated ?? window.layers, layerCount);
  }
  // Layers before this one see all positions; 0 is allowed: then every layer has the window.
  const first = reader.get('max_window_layers');
  if (typeof first !== 'number' || !Number.isSafeInteger(first) || first < 0) {
    throw reader.valueError('max_window_layers', first, 'with a window, it must say how many layers have none');
  }
  reader.record('fullAttentionLayers', 'metadata', reader.full('max_window_layers'));
  return layers.filter((layer) => layer < first);
}

function isFull(reader: ConfigReader, types: unknown, layer: number, layerCount: number): boolean {
  const type: unknown = Array.isArray(types) && types.length === layerCount ? types[layer] : undefined;
  if (type === 'full_attention') return true;
  if (type === 'sliding_attention') return false;
  const is = `layer_types is ${shownValue(types)}`;
  const allowed = `${layerCount} times full_attention or sliding_attention`;
  throw new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: reader.path, is, allowed });
}
