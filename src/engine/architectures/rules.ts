// What an architecture fixes and no file states. Types only.
import type { ModelConfig } from '../program/config.ts';
import type { Program, RopePairing } from '../program/program.ts';

export interface ArchitectureRules {
  /** In GGUF files; safetensors hold the rows of Q and K as trained, which is `neox` for all of these. */
  ropePairing: RopePairing;
  qkvBias: 'always' | 'where-present';
  /** True where a rotary dimension below the head dimension is refused. */
  rotatesWholeHead: boolean;
  /** True where llama.cpp reads the two tensors of longrope; in config.json it is for all of these. */
  hasLongrope: boolean;
  hasQkNorm: boolean;
  hasExperts: boolean;
  gemma: GemmaRules | null;
  compile(config: ModelConfig): Program;
}

/** What only Gemma has. Numbers are those that its readers take where a file names none. */
export interface GemmaRules {
  /** The gain that a checkpoint stores is the factor less this; converters to GGUF add it. */
  normOffset: number;
  attentionSoftcap: number;
  logitSoftcap: number;
  slidingWindow: number;
  queryScalar: number;
}
