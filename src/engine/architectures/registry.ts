// Which architectures there are. A new one: an entry here, a file beside it; test/engine/architectures asks both for
// what may be forgotten.
import { unknownArchitecture } from '../config/config-rules.ts';
import type { Architectures } from '../config/architecture.ts';
import type { ModelConfig } from '../program/config.ts';
import type { Program } from '../program/program.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3 } from './gemma3.ts';
import { llama } from './llama.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { qwen3moe } from './qwen3moe.ts';

export const ARCHITECTURES: Architectures = new Map(
  [llama, qwen2, qwen3, qwen3moe, gemma2, gemma3, phi3].map((architecture) => [architecture.name, architecture]),
);

/** The forward pass of a config as data. @throws RefuteError E_CONFIG_ARCHITECTURE */
export function compileProgram(config: ModelConfig): Program {
  const architecture = ARCHITECTURES.get(config.architecture);
  if (architecture !== undefined) return architecture.compile(config);
  throw unknownArchitecture('the config', `the architecture is ${config.architecture}`, ARCHITECTURES);
}

/** By our name, or by a `model_type` of config.json, which people and other tools may know instead. */
export function isNameOf(name: string, architecture: string): boolean {
  return name === architecture || Object.hasOwn(ARCHITECTURES.get(architecture)?.hf.modelTypes ?? {}, name);
}

/** For the tokenizer of a GGUF file that names no BOS; a file that names no architecture is taken for a llama. */
export function bosSpellings(metadata: ReadonlyMap<string, unknown>): readonly string[] {
  const name = metadata.get('general.architecture') ?? 'llama';
  return (typeof name === 'string' ? ARCHITECTURES.get(name)?.bosSpellings : undefined) ?? [];
}
