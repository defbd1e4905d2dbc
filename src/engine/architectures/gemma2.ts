// Gemma 2: scaled embeddings, a norm before and after each part, scores and logits softly capped, GELU, and a window
// in every other layer. All of it is in the config or in decoder.ts.
import type { Architecture } from '../config/architecture.ts';
import type { ConfigParts } from '../config/config-parts.ts';
import { LIMITS } from '../config/config-rules.ts';
import { fullLayersFromGguf } from '../config/window-from-gguf.ts';
import { compileDecoder } from './decoder.ts';

const SOFTCAP_KEYS = { attentionSoftcap: 'attn_logit_softcapping', logitSoftcap: 'final_logit_softcapping' } as const;
/** What llama.cpp and Transformers take where a file names none. */
const DEFAULTS = { attentionSoftcap: 50, logitSoftcap: 30, slidingWindow: 4_096, queryScalar: 256 } as const;
const LLAMA_CPP = "llama.cpp's default";
const TRANSFORMERS = "Transformers' default";

export const gemma2: Architecture = {
  name: 'gemma2',
  qkvBias: 'where-present',
  hasQkNorm: false,
  bosSpellings: ['<bos>'],
  ownTensors: /^blk\.\d+\.post_/,
  gguf: {
    ropePairing: 'neox',
    isAlwaysTied: true,
    keys: Object.values(SOFTCAP_KEYS),
    parts: {
      window: (reader, { layerCount }) => {
        const key = 'attention.sliding_window';
        const slidingWindow =
          reader.count('slidingWindow', key, LIMITS.slidingWindow) ??
          reader.default('slidingWindow', 'SLIDING-WINDOW-DEFAULT', key, DEFAULTS.slidingWindow, LLAMA_CPP);
        return { slidingWindow, fullAttentionLayers: fullLayersFromGguf(reader, layerCount, 2) };
      },
      attentionScale: scaleByLayers(46),
      softcaps: softcaps(LLAMA_CPP),
      scales: scales(0, 'gains of GGUF files hold it already'),
    },
  },
  hf: {
    modelTypes: { gemma2: { window: { layers: 2 }, isTied: true, maxPositions: 8_192 } },
    activation: { key: 'hidden_activation', names: ['gelu_pytorch_tanh', 'gelu_new'], others: ['gelu'] },
    keys: ['hidden_activation', 'query_pre_attn_scalar', ...Object.values(SOFTCAP_KEYS)],
    // It has a norm on either side of each part; the others' name for the second one is its name for another.
    layerNames: {
      post_attention_layernorm: 'post_attention_norm',
      pre_feedforward_layernorm: 'ffn_norm',
      post_feedforward_layernorm: 'post_ffw_norm',
    },
    parts: {
      attentionScale: (reader) => {
        const key = 'query_pre_attn_scalar';
        const scalar =
          reader.positive('attentionScale', key) ??
          reader.default('attentionScale', 'ATTENTION-SCALE-DEFAULT', key, DEFAULTS.queryScalar, TRANSFORMERS);
        return { attentionScale: 1 / Math.sqrt(scalar) };
      },
      softcaps: softcaps(TRANSFORMERS),
      scales: scales(1, 'gains are stored less 1'),
    },
  },
  compile: (config) => compileDecoder(config, { activation: 'gelu', scalesEmbedding: true, hasPostNorms: true }),
};

/** @param layersOf27B the layer count by which llama.cpp tells the 27B model, whose scale no key of GGUF holds */
export function scaleByLayers(layersOf27B: number): ConfigParts['attentionScale'] {
  return (reader, { layerCount, modelDim, headCount, headDim }) => {
    const isLarge = layerCount === layersOf27B;
    const rule = isLarge ? `1 / √(embedding_length / head_count), with ${layersOf27B} layers` : '1 / √headDim';
    reader.record('attentionScale', 'architecture', rule);
    return { attentionScale: 1 / Math.sqrt(isLarge ? modelDim / headCount : headDim) };
  };
}

/** null, which only JSON can say, counts as absent. */
function softcaps(why: string): ConfigParts['softcaps'] {
  return (reader) => {
    const read = (name: keyof typeof SOFTCAP_KEYS): number | null => {
      const key = SOFTCAP_KEYS[name];
      if (reader.isNull(key)) {
        reader.record(name, 'metadata', key);
        return null;
      }
      return reader.positive(name, key) ?? reader.default(name, 'SOFTCAP-DEFAULT', key, DEFAULTS[name], why);
    };
    return { attentionSoftcap: read('attentionSoftcap'), logitSoftcap: read('logitSoftcap') };
  };
}

/** @param normOffset what a gain is stored less: a checkpoint holds the factor less 1, converters to GGUF add it */
function scales(normOffset: number, rule: string): ConfigParts['scales'] {
  return (reader, { modelDim }) => {
    reader.record('embeddingScale', 'architecture', '√modelDim');
    reader.record('normOffset', 'architecture', rule);
    return { embeddingScale: Math.sqrt(modelDim), normOffset };
  };
}
