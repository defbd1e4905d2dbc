// Which architectures there are. A new one: an entry here, a file in architectures/.
import { gemma2 } from './architectures/gemma2.ts';
import { llama } from './architectures/llama.ts';
import { qwen2 } from './architectures/qwen2.ts';
import { qwen3 } from './architectures/qwen3.ts';
import { qwen3moe } from './architectures/qwen3moe.ts';
import type { ArchitectureRules } from './architectures/rules.ts';
import type { Architecture, ModelConfig } from './config.ts';
import type { Program } from './program.ts';

export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureRules>> = {
  llama,
  qwen2,
  qwen3,
  qwen3moe,
  gemma2,
};

export function isArchitecture(name: string): name is Architecture {
  return Object.hasOwn(ARCHITECTURES, name);
}

/** The forward pass of a config as data. */
export function compileProgram(config: ModelConfig): Program {
  return ARCHITECTURES[config.architecture].compile(config);
}
