// Shapes of real models, for benchmarks with random weights: what they cost is what trained ones cost.
import type { TensorTypeName } from '../src/engine/formats/tensor-types.ts';
import { PLAIN, type SyntheticConfig } from '../test/cases/synthetic-model.ts';

export interface Shape {
  config: SyntheticConfig;
  /** Of a matrix. */
  typeOf: (name: string) => TensorTypeName;
}

interface Sizes {
  architecture: string;
  layerCount: number;
  modelDim: number;
  ffnDim: number;
  headCount: number;
  kvHeadCount: number;
  headDim: number;
  vocabSize: number;
  theta: number;
  rmsNormEps: number;
}

function decoder(sizes: Sizes, own: Partial<SyntheticConfig> = {}): SyntheticConfig {
  const { theta, ...dims } = sizes;
  const pairing = sizes.architecture === 'llama' ? 'norm' : 'neox';
  return {
    ...PLAIN,
    ...dims,
    contextLength: 4096,
    attentionScale: sizes.headDim ** -0.5,
    rope: { theta, rotaryDim: sizes.headDim, pairing, scaling: { type: 'none' } },
    slidingWindow: null,
    hasQkvBias: sizes.architecture === 'qwen2',
    isTied: true,
    ...own,
  };
}

/** One type for all layers, another for embedding and head. */
const types =
  (ofLayers: TensorTypeName, ofHead: TensorTypeName): Shape['typeOf'] =>
  (name) =>
    name === 'token_embd.weight' || name === 'output.weight' ? ofHead : ofLayers;

const SHAPES: Readonly<Record<string, Shape>> = {
  smollm2: {
    config: decoder({
      architecture: 'llama',
      layerCount: 30,
      modelDim: 576,
      ffnDim: 1536,
      headCount: 9,
      kvHeadCount: 3,
      headDim: 64,
      vocabSize: 49_152,
      theta: 100_000,
      rmsNormEps: 1e-5,
    }),
    typeOf: types('q4_1', 'q8_0'),
  },
  'qwen3-0.6b': {
    config: decoder(
      {
        architecture: 'qwen3',
        layerCount: 28,
        modelDim: 1024,
        ffnDim: 3072,
        headCount: 16,
        kvHeadCount: 8,
        headDim: 128,
        vocabSize: 151_936,
        theta: 1e6,
        rmsNormEps: 1e-6,
      },
      { hasQkNorm: true },
    ),
    typeOf: types('q8_0', 'q8_0'),
  },
  /** Qwen2.5. */
  '1.5b': {
    config: decoder({
      architecture: 'qwen2',
      layerCount: 28,
      modelDim: 1536,
      ffnDim: 8960,
      headCount: 12,
      kvHeadCount: 2,
      headDim: 128,
      vocabSize: 151_936,
      theta: 1e6,
      rmsNormEps: 1e-6,
    }),
    typeOf: types('q4_k', 'q6_k'),
  },
  /** Qwen3-MoE's layers, fewer of them. */
  moe: {
    config: decoder(
      {
        architecture: 'qwen3moe',
        layerCount: 8,
        modelDim: 2048,
        ffnDim: 6144,
        headCount: 32,
        kvHeadCount: 4,
        headDim: 128,
        vocabSize: 32_000,
        theta: 1e6,
        rmsNormEps: 1e-6,
      },
      { hasQkNorm: true, experts: { count: 32, usedCount: 4, ffnDim: 768, isRenormalised: true } },
    ),
    typeOf: (name) => (name.includes('ffn_gate_inp') ? 'f32' : types('q4_k', 'q6_k')(name)),
  },
  /** Qwen2.5. */
  '7b': {
    config: decoder(
      {
        architecture: 'qwen2',
        layerCount: 28,
        modelDim: 3584,
        ffnDim: 18_944,
        headCount: 28,
        kvHeadCount: 4,
        headDim: 128,
        vocabSize: 152_064,
        theta: 1e6,
        rmsNormEps: 1e-6,
      },
      { isTied: false },
    ),
    typeOf: types('q4_k', 'q6_k'),
  },
};

/** @throws Error naming those that there are */
export function shapeNamed(name: string): Shape {
  const shape = SHAPES[name];
  if (shape === undefined) throw new Error(`there is no shape ${name}; there are ${Object.keys(SHAPES).join(', ')}`);
  return shape;
}
