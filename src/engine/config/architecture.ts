// What an architecture says of itself: its words in every file format, and its forward pass. Each file of
// architectures/ makes one. What all decoders have in common is not here but in the readers. Types only.
import type { ModelConfig } from '../program/config.ts';
import type { Program, RopePairing } from '../program/program.ts';
import type { ConfigParts } from './config-parts.ts';

/** By name. */
export type Architectures = ReadonlyMap<string, Architecture>;

export interface Architecture {
  /** As `general.architecture` of GGUF files has it. */
  name: string;
  qkvBias: 'always' | 'where-present';
  /** True where q and k are normalised head by head. */
  hasQkNorm: boolean;
  /** What may stand for a missing beginning-of-sequence id in a byte-level vocabulary; the first that it has. */
  bosSpellings: readonly string[];
  /** Tensors that not every decoder reads. A file of another architecture that has them is refused. */
  ownTensors?: RegExp;
  gguf: GgufRules;
  hf: HfRules;
  compile(config: ModelConfig): Program;
}

export interface GgufRules {
  /** Safetensors hold the rows of Q and K as trained, which is `neox` everywhere. */
  ropePairing: RopePairing;
  /** True where a rotary dimension below the head dimension is refused. */
  rotatesWholeHead?: boolean;
  /** True where llama.cpp reads the two tensors of longrope; in config.json it is read everywhere. */
  hasLongrope?: boolean;
  /** Read beside the keys of every decoder, without the prefix. */
  keys?: readonly string[];
  /** Read otherwise than for a plain decoder. */
  parts?: Partial<ConfigParts>;
}

export interface HfRules {
  /** By `model_type`. */
  modelTypes: Readonly<Record<string, HfModelType>>;
  /** Read beside the keys of every decoder. */
  keys?: readonly string[];
  /** Where config.json names the activation function, and the one that is supported; absent: silu in hidden_act. */
  activation?: { key: string; name: string };
  /** Part of a layer -> GGUF's name, where it is not that of every decoder. */
  layerNames?: Readonly<Record<string, string>>;
  /** Read otherwise than for a plain decoder. */
  parts?: Partial<ConfigParts>;
}

export interface HfModelType {
  /**
   * What makes a layer look back only so far. `always`: a number in sliding_window; `switched`: use_sliding_window
   * too; `alternating`: a number, in every second layer, from 0.
   */
  window: 'never' | 'always' | 'switched' | 'alternating';
  /** Transformers' default of tie_word_embeddings for the type. */
  isTied: boolean;
}
