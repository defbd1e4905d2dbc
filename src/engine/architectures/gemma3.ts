// Gemma 3, its text part: Gemma 2 without caps, with q and k normalised per head, and with five layers of six that look
// back a window and turn by a theta of their own, unscaled.
import type { Architecture, HfModelType } from '../config/architecture.ts';
import type { ConfigParts } from '../config/config-parts.ts';
import type { ConfigReader } from '../config/config-reader.ts';
import { noteOtherValues } from '../config/other-values.ts';
import { ropeKeys } from '../config/hf-keys.ts';
import { fullLayersFromGguf, statedWindow } from '../config/window-from-gguf.ts';
import { gemma2, scaleByLayers } from './gemma2.ts';

const PERIOD = 6;
const DEFAULT_LOCAL_THETA = 10_000;
const LOGIT_SOFTCAP = 'final_logit_softcapping';
const GGUF_LOCAL_THETA = 'rope.freq_base_swa';
/** Since Transformers 5, and the key of those before. */
const LOCAL_ROPE = 'rope_parameters.sliding_attention';
const OLD_LOCAL_THETA = 'rope_local_base_freq';

/** Every published model has none; both readers of reference apply one to the logits, and none to the scores. */
const softcaps: ConfigParts['softcaps'] = (reader) => {
  for (const name of ['attentionSoftcap', 'logitSoftcap'] as const) reader.record(name, 'architecture', 'none');
  const hasNone = reader.get(LOGIT_SOFTCAP) === 0;
  const logitSoftcap = hasNone ? null : (reader.positive('logitSoftcap', LOGIT_SOFTCAP) ?? null);
  return { attentionSoftcap: null, logitSoftcap };
};

const TEXT: HfModelType = {
  window: { layers: PERIOD, key: 'sliding_window_pattern' },
  isTied: true,
  maxPositions: 131_072,
};

export const gemma3: Architecture = {
  ...gemma2,
  name: 'gemma3',
  hasQkNorm: true,
  gguf: {
    ropePairing: 'neox',
    keys: [LOGIT_SOFTCAP, GGUF_LOCAL_THETA],
    parts: {
      ...gemma2.gguf.parts,
      window: (reader, { layerCount }) => {
        const slidingWindow = statedWindow(reader);
        return { slidingWindow, fullAttentionLayers: fullLayersFromGguf(reader, layerCount, PERIOD) };
      },
      localRope: (reader) => ({ localTheta: localTheta(reader, [GGUF_LOCAL_THETA], "llama.cpp's default") }),
      attentionScale: scaleByLayers(62),
      softcaps,
    },
  },
  hf: {
    ...gemma2.hf,
    modelTypes: {
      gemma3_text: TEXT,
      gemma3: {
        ...TEXT,
        textPart: {
          className: 'Gemma3ForConditionalGeneration',
          config: 'text_config',
          tensors: {
            'language_model.model.': 'model.',
            'model.language_model.': 'model.',
            'language_model.lm_head.': 'lm_head.',
            'language_model.': 'model.',
          },
        },
      },
    },
    keys: [
      'hidden_activation',
      'query_pre_attn_scalar',
      LOGIT_SOFTCAP,
      OLD_LOCAL_THETA,
      ...ropeKeys('rope_parameters.full_attention'),
      ...['rope_theta', 'rope_type', 'type'].map((key) => `${LOCAL_ROPE}.${key}`),
    ],
    // The files of the models from 4B on leave them out.
    defaults: { num_attention_heads: 8, vocab_size: 262_208 },
    rope: { theta: 1_000_000, layerType: 'full_attention' },
    parts: {
      ...gemma2.hf.parts,
      localRope: (reader) => {
        for (const key of [`${LOCAL_ROPE}.rope_type`, `${LOCAL_ROPE}.type`]) {
          const type = reader.get(key) ?? 'default';
          if (type !== 'default') throw reader.valueError(key, type, 'default: layers with a window are not scaled');
        }
        return {
          localTheta: localTheta(reader, [`${LOCAL_ROPE}.rope_theta`, OLD_LOCAL_THETA], "Transformers' default"),
        };
      },
      softcaps,
    },
  },
};

function localTheta(reader: ConfigReader, keys: readonly string[], why: string): number {
  const key = keys.find((candidate) => reader.get(candidate) !== undefined) ?? keys.at(-1) ?? '';
  const value =
    reader.positive('localTheta', key) ??
    reader.default('localTheta', 'ROPE-THETA-DEFAULT', key, DEFAULT_LOCAL_THETA, why);
  noteOtherValues(reader, { key, value }, keys, 'as in Transformers, rope_parameters go first');
  return value;
}
