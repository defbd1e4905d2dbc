// The oracles' public face: what diagnosis, runner, falsifiers and cli may import.
export { loadLlamaCpp } from './llama-cpp.ts';
export type { LlamaCpp, LlamaCppAvailability, LlamaCppModel, LlamaCppOptions } from './llama-cpp.ts';
