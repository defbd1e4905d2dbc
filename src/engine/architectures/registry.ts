// Which architectures there are. A new one: an entry here, a file in architectures/.
import { gemma2 } from './gemma2.ts';
import { llama } from './llama.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { qwen3moe } from './qwen3moe.ts';
import type { ArchitectureRules } from './rules.ts';
import type { Architecture, ModelConfig } from '../program/config.ts';
import type { Program } from '../program/program.ts';

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
