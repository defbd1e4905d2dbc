// The maps that need no file, by the names that `--map` and manifests give them.
import { HF } from './hf.ts';
import { LLAMA_CPP } from './llama-cpp.ts';
import type { MapSource } from './source.ts';
import { VLLM } from './vllm.ts';

export const BUILT_IN_MAPS: ReadonlyMap<string, MapSource> = new Map([
  ['hf', HF],
  ['vllm', VLLM],
  ['llama.cpp', LLAMA_CPP],
]);
