// How far back each layer looks, from config.json. Model types disagree on what switches a window on, and on which keys
// they read; a key that a type does not read must not say something else.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import { lastOfEach, LIMITS } from './config-rules.ts';
import type { ModelConfig } from '../program/config.ts';
import type { HfModelType, WindowPeriod } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { noteOtherValues } from './other-values.ts';

type Windows = Pick<ModelConfig, 'slidingWindow' | 'fullAttentionLayers'>;

interface Sizes {
  layerCount: number;
  /** Positions that the model takes. */
  contextLength: number;
}

const FULL = 'full_attention';
const SLIDING = 'sliding_attention';

/** @throws RefuteError E_CONFIG_VALUE, E_CONFIG_UNSUPPORTED */
export function windowFromHf(reader: ConfigReader, window: HfModelType['window'], of: Sizes): Windows {
  const windows = readWindows(reader, window, of.layerCount);
  checkUnread(reader, windows, of, keysOf(window, windows));
  return windows;
}

function readWindows(reader: ConfigReader, window: HfModelType['window'], layerCount: number): Windows {
  reader.record('fullAttentionLayers', 'architecture', 'none');
  const isSwitched = window === 'switched' || window === 'switched for all';
  const isSwitchedOn = window !== 'never' && (!isSwitched || reader.get('use_sliding_window') === true);
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
  const isByLayer = window === 'switched' || typeof window === 'object';
  return { slidingWindow, fullAttentionLayers: isByLayer ? fullLayers(reader, window, layerCount) : [] };
}

function fullLayers(reader: ConfigReader, window: 'switched' | WindowPeriod, layerCount: number): number[] {
  const layers = Array.from({ length: layerCount }, (_, layer) => layer);
  const types = reader.get('layer_types');
  const periodKey = typeof window === 'object' ? window.key : undefined;
  if (types !== undefined) {
    reader.record('fullAttentionLayers', 'metadata', reader.full('layer_types'));
    const full = layers.filter((layer) => isFull(reader, types, layer, layerCount));
    const other = typeof window === 'object' ? periodKey : 'max_window_layers';
    if (other !== undefined && !agrees(reader, other, full, layerCount)) {
      noteOtherValues(reader, { key: 'layer_types', value: types }, [other], "Transformers' order");
    }
    return full;
  }
  if (window !== 'switched') {
    reader.record('fullAttentionLayers', 'architecture', `the last of each ${window.layers} layers`);
    const stated =
      periodKey === undefined ? undefined : reader.count('fullAttentionLayers', periodKey, LIMITS.layerCount);
    return lastOfEach(stated ?? window.layers, layerCount);
  }
  // Layers before this one see all positions; 0 is allowed: then every layer has the window.
  const key = 'max_window_layers';
  const first =
    reader.get(key) ?? reader.default('fullAttentionLayers', 'WINDOW-LAYERS-DEFAULT', key, 28, "Transformers' default");
  if (typeof first !== 'number' || !Number.isSafeInteger(first) || first < 0) {
    throw reader.valueError(key, first, 'with a window, it must say how many layers have none');
  }
  if (reader.get(key) !== undefined) reader.record('fullAttentionLayers', 'metadata', reader.full(key));
  return layers.filter((layer) => layer < first);
}

function isFull(reader: ConfigReader, types: unknown, layer: number, layerCount: number): boolean {
  const type: unknown = Array.isArray(types) && types.length === layerCount ? types[layer] : undefined;
  if (type === FULL) return true;
  if (type === SLIDING) return false;
  throw refusal(reader, 'layer_types', `${layerCount} times full_attention or sliding_attention`);
}

/** The keys that have been read, or that say nothing where there is no window. */
function keysOf(window: HfModelType['window'], { slidingWindow }: Windows): ReadonlySet<string> {
  if (window === 'never') return new Set();
  if (window === 'always' || window === 'stated') return new Set(['sliding_window']);
  if (window === 'switched for all') return new Set(['sliding_window', 'use_sliding_window']);
  if (window === 'switched') {
    const own = ['sliding_window', 'use_sliding_window', 'max_window_layers'];
    return new Set(slidingWindow === null ? own : [...own, 'layer_types']);
  }
  return new Set(['sliding_window', 'layer_types', window.key ?? '']);
}

/** A window that no text is longer than is none. @throws RefuteError E_CONFIG_UNSUPPORTED */
function checkUnread(
  reader: ConfigReader,
  { slidingWindow, fullAttentionLayers }: Windows,
  { layerCount, contextLength }: Sizes,
  read: ReadonlySet<string>,
): void {
  const has = (key: string): boolean => !read.has(key) && reader.get(key) !== undefined;
  const isOff = reader.get('use_sliding_window') === false;
  const stated = reader.get('sliding_window');
  if (has('sliding_window') && !isOff && !(typeof stated === 'number' && (stated === 0 || stated >= contextLength))) {
    const allowed = `this model type has no window, so one shorter than its ${contextLength} positions is not supported`;
    throw refusal(reader, 'sliding_window', allowed);
  }
  if (slidingWindow !== null && slidingWindow >= contextLength) return;
  const full = slidingWindow === null ? lastOfEach(1, layerCount) : fullAttentionLayers;
  for (const key of ['layer_types', 'use_sliding_window', 'max_window_layers', 'sliding_window_pattern']) {
    if (!has(key) || agrees(reader, key, full, layerCount)) continue;
    throw refusal(reader, key, `what this model type does without it: ${shownWindows(full, layerCount)}`);
  }
}

/** True where the key says which layers see all positions as `full` has it, or nothing. */
function agrees(reader: ConfigReader, key: string, full: readonly number[], layerCount: number): boolean {
  const value = reader.get(key);
  const isWindowed = full.length < layerCount;
  const isSame = (layers: readonly number[]): boolean => layers.join() === full.join();
  if (value === undefined) return true;
  if (key === 'use_sliding_window') return value === isWindowed;
  if (key === 'layer_types') {
    return Array.isArray(value) && isSame(value.flatMap((type, layer) => (type === FULL ? [layer] : [])));
  }
  if (!isWindowed) return true;
  if (typeof value !== 'number') return false;
  if (key === 'max_window_layers') return isSame(lastOfEach(1, Math.min(value, layerCount)));
  return isSame(lastOfEach(value, layerCount));
}

function shownWindows(full: readonly number[], layerCount: number): string {
  if (full.length === layerCount) return 'every layer sees all positions';
  return full.length === 0 ? 'every layer has the window' : `layers ${full.join(', ')} see all positions`;
}

function refusal(reader: ConfigReader, key: string, allowed: string): RefuteError {
  const is = `${reader.full(key)} is ${shownValue(reader.get(key))}`;
  return new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: reader.path, is, allowed });
}
