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
  /**
   * Matrices of a layer that hold the rows of several weights, in this order. Read so in files that do not have the
   * first of them by itself; a fused matrix may have the name of one of its parts.
   */
  fused?: Readonly<Record<string, readonly string[]>>;
  gguf: GgufRules;
  hf: HfRules;
  compile(config: ModelConfig): Program;
}

export interface GgufRules {
  /** Safetensors hold the rows of Q and K as trained, which is `neox` everywhere. */
  ropePairing: RopePairing;
  /** True where llama.cpp reads no head and refuses a file that has one; elsewhere a head that is there is used. */
  isAlwaysTied?: boolean;
  /** True where a rotary dimension below the head dimension is refused. */
  rotatesWholeHead?: boolean;
  /** True where llama.cpp reads the factors in rope_freqs.weight. */
  readsFactors?: boolean;
  /**
   * Where llama.cpp reads the two tensors of longrope: if the type of scaling says so, or wherever they are. In
   * config.json it is read everywhere.
   */
  longrope?: 'by type' | 'by tensors';
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
  /**
   * Where config.json names the activation function, and the supported one under all its names; absent: silu in
   * hidden_act. Others may stand in hidden_act where that is not read.
   */
  activation?: { key: string; names: readonly string[]; others?: readonly string[] };
  /** What Transformers takes for keys that a config.json leaves out, where not every decoder may. */
  defaults?: Readonly<Record<string, number>>;
  rope?: HfRope;
  /** Part of a layer -> GGUF's name, where it is not that of every decoder. */
  layerNames?: Readonly<Record<string, string>>;
  /** Read otherwise than for a plain decoder. */
  parts?: Partial<ConfigParts>;
}

/** How rotation is stated, where it is not as for every decoder. */
export interface HfRope {
  /** Transformers' default of rope_theta; 10,000 unless given. */
  theta?: number;
  /** Whose parameters in rope_parameters are those of layers that see all positions, where layers rotate differently. */
  layerType?: string;
  /** True where partial_rotary_factor is read. */
  isPartial?: boolean;
  /** The types of scaling that the class takes; all unless given. */
  types?: readonly string[];
  /** Older words for a type of scaling. */
  typeNames?: Readonly<Record<string, string>>;
  /** Transformers' default of original_max_position_embeddings, of which the group then has no say. */
  originalContextLength?: number;
}

export interface HfModelType {
  /**
   * What makes a layer look back only so far. `always`: a number in sliding_window, which has a default; `stated`: one
   * that is stated; `switched`: use_sliding_window too, and which layers; `switched for all`: as that, for every layer; a period: a number, but for the last layer of each so many.
   */
  window: 'never' | 'always' | 'stated' | 'switched' | 'switched for all' | WindowPeriod;
  /** Transformers' default of tie_word_embeddings for the type. */
  isTied: boolean;
  /** And of max_position_embeddings. */
  maxPositions: number;
  /** Of a model that sees more than text. */
  textPart?: TextPart;
}

export interface WindowPeriod {
  layers: number;
  /** A key that says another. */
  key?: string;
}

interface TextPart {
  className: string;
  /** The object of config.json that describes it. */
  config: string;
  /** How its tensors begin, and what stands there in a model of text alone. */
  tensors: Readonly<Record<string, string>>;
}
