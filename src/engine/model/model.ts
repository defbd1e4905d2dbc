// A model as the product sees it, whatever file it came from: config, Program, weights, tokenizer data.
// Types only; `open-model.ts` makes one.
import type { Program } from '../program/program.ts';
import type { Notice } from '../../notice.ts';
import type { WeightSource } from '../program/executor.ts';
import type { ModelConfig } from '../program/config.ts';
import type { Files } from '../io/files.ts';
import type { OnHashed } from '../io/sha256.ts';
import type { HeaderTensor } from '../formats/header-tensor.ts';
import type { TensorTypeName } from '../formats/tensor-types.ts';
import type { TextModel } from '../text/text-model.ts';

export interface Model {
  path: string;
  /** Where the path leads. */
  files: Files;
  /** What another program opens it by; see ModelFile. */
  entryPath: string;
  format: 'gguf' | 'safetensors';
  /** Of all files that hold tensors. */
  byteLength: number;
  config: ModelConfig;
  program: Program;
  /** Answers with the program's shapes where the file lists them swapped; `tensors` has the file's own. */
  weights: WeightSource;
  /** Of the weights that the program wants, how many the file lists as it wants them. */
  shapes: { fitting: number; wanted: number };
  /** What the loader saw of the embedding; null where the program has none. */
  embedding: EmbeddingReport | null;
  /** Every tensor of the file, in file order; of a fused one, the weights that it holds. */
  tensors: readonly FileTensor[];
  /** The file's own key-value data; arrays of a vocabulary's size included. */
  metadata: ReadonlyMap<string, unknown>;
  /** What is suspicious but loadable, and every default that was taken: code and sentence. */
  notices: readonly Notice[];
  text: TextModel;
  /** Hash of the whole file, or of the names and hashes of all; read on first use. */
  sha256(onProgress?: OnHashed): Promise<string>;
  close(): Promise<void>;
}

export interface EmbeddingReport {
  /** What the file calls it. */
  name: string;
  type: TensorTypeName;
  /** As the program reads it: [vocabSize, modelDim]. */
  shape: readonly number[];
  /** The first five decoded values of row 0. */
  firstValues: readonly number[];
}

/** One key of a file's own data. */
export interface FileEntry {
  key: string;
  /** In the format's own words. */
  type: string;
  value: unknown;
}

/** A tensor of a model's files under its canonical name, which is GGUF's; or the stack that single experts make. */
export interface FileTensor extends HeaderTensor {
  /** What the file calls it (a stack: its first part), where that is something else. */
  storedName?: string;
  /** The file that holds it, where there are several. */
  file?: string;
}

/** Changes a model on its way in. This is how faults of config, program, weights and tokens are planted. */
export interface ModelTransform {
  config?(config: ModelConfig): ModelConfig;
  program?(program: Program): Program;
  weights?(weights: WeightSource): WeightSource;
  tokens?(tokens: number[]): number[];
}
