// Other people's answers: llama.cpp in this process, an HTTP endpoint, a command. Node only. The float64 oracle is not
// in here, so that a claim about a formula does not hang on an HTTP client.
export { llamaCppContextLength, loadLlamaCpp } from './llama-cpp.ts';
export type { LlamaCppAvailability, LlamaCppModel } from './llama-cpp.ts';
export { HttpEndpoint, type HttpEndpointOptions } from './http-endpoint.ts';
export { CommandEngine, type CommandAnswer, type CommandOptions } from './command.ts';
export { openLlamaCppTimer, type RunTimes } from './llama-cpp-subject/timer.ts';
