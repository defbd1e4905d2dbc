// Programs with random weights, made from a seed: any shape, any tensor type, no file. For tests of executors and for
// benchmarks; what such a model says means nothing.
import { compileProgram } from '../../src/engine/architectures/registry.ts';
import type { ModelConfig } from '../../src/engine/program/config.ts';
import type { WeightInfo, WeightSource } from '../../src/engine/program/executor.ts';
import type { Program, WeightName } from '../../src/engine/program/program.ts';
import { byteLengthOf, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { randomBlocks, randomFloats } from './random-blocks.ts';

export type SyntheticConfig = Omit<ModelConfig, 'provenance'>;

/** What a plain decoder has none of. */
export const PLAIN: Pick<
  SyntheticConfig,
  | 'localTheta'
  | 'fullAttentionLayers'
  | 'attentionSoftcap'
  | 'logitSoftcap'
  | 'embeddingScale'
  | 'normOffset'
  | 'hasQkNorm'
  | 'experts'
> = {
  localTheta: null,
  fullAttentionLayers: [],
  attentionSoftcap: null,
  logitSoftcap: null,
  embeddingScale: 1,
  normOffset: 0,
  hasQkNorm: false,
  experts: null,
};

/** Two layers with everything that can go wrong in them: grouped heads, a window, biases, a head of its own. */
export const SMALL_CONFIG: SyntheticConfig = {
  ...PLAIN,
  architecture: 'qwen2',
  layerCount: 2,
  modelDim: 64,
  ffnDim: 96,
  headCount: 4,
  kvHeadCount: 2,
  headDim: 16,
  vocabSize: 80,
  contextLength: 256,
  rmsNormEps: 1e-5,
  rope: { theta: 10_000, rotaryDim: 16, pairing: 'neox', scaling: { type: 'none' } },
  slidingWindow: 9,
  attentionScale: 1 / 4,
  hasQkvBias: true,
  isTied: false,
};

export function syntheticProgram(config: SyntheticConfig): Program {
  return compileProgram({ ...config, provenance: {} as ModelConfig['provenance'] });
}

/**
 * Weights for every shape that the program declares: vectors f32 (gains near 1), matrices of the type that `typeOf` says.
 * Generated on first use and kept.
 */
export function syntheticWeights(
  program: Program,
  typeOf: (name: WeightName) => TensorTypeName,
  seed: number,
): WeightSource {
  const infos = new Map(program.weights.map(({ name, shape }) => [name, infoOf(name, shape, typeOf)]));
  const contents = new Map<WeightName, Uint8Array>();
  return {
    info: (name) => infos.get(name),
    async read(name, byteOffset, into) {
      const info = infos.get(name);
      if (info === undefined) throw new Error(`no weight ${name}`);
      const bytes = contents.get(name) ?? contentOf(info, seed + [...infos.keys()].indexOf(name));
      contents.set(name, bytes);
      into.set(bytes.subarray(byteOffset, byteOffset + into.byteLength));
    },
  };
}

function infoOf(name: WeightName, shape: number[], typeOf: (name: WeightName) => TensorTypeName): WeightInfo {
  const type = shape.length > 1 ? typeOf(name) : 'f32';
  return { name, type, shape, byteLength: byteLengthOf(type, elementCount(shape)) };
}

function contentOf({ type, shape }: WeightInfo, seed: number): Uint8Array {
  const count = elementCount(shape);
  if (shape.length > 1) return randomBlocks(type, count, seed);
  return new Uint8Array(randomFloats(seed, count, 0.2).map((value) => 1 + value).buffer);
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
