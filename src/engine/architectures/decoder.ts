// The forward pass of a decoder with rotary positions, grouped-query attention and a gated feed-forward: the page that
// all architectures here share. What differs is in the config (rotation, bias, head norms, windows, caps, tied head) or
// in `DecoderParts`. Channels: M = modelDim, F = ffnDim, Q = headCount · headDim, K = kvHeadCount · headDim.
import type { ModelConfig } from '../program/config.ts';
import { ProgramBuilder, type Built } from '../program/program-builder.ts';
import type { Program } from '../program/program.ts';

/** What a config does not say. Absent: silu, the embedding as it is, norms before the parts of a layer only. */
export interface DecoderParts {
  activation?: 'silu' | 'gelu';
  scalesEmbedding?: boolean;
  hasPostNorms?: boolean;
  /** Takes the place of the gated one. */
  feedForward?: (b: ProgramBuilder, config: ModelConfig, x: Built, parts: DecoderParts) => Built;
}

const EMBEDDING = 'token_embd.weight';

/** head(norm(layers(embed(tokens)))); logits = W_head · norm, W_head the embedding itself where the model is tied. */
export function compileDecoder(config: ModelConfig, parts: DecoderParts = {}): Program {
  const { layerCount, modelDim, vocabSize, contextLength, isTied, architecture, logitSoftcap } = config;
  const gain = gainOf(config);
  const model = new ProgramBuilder();

  const first = model.inLayer(0);
  let x =
    parts.scalesEmbedding === true
      ? first.scale('embedding', first.embed('token_embedding', EMBEDDING, vocabSize, modelDim), config.embeddingScale)
      : first.embed('embedding', EMBEDDING, vocabSize, modelDim); // [M]
  for (let layer = 0; layer < layerCount; layer += 1) x = decoderLayer(model.inLayer(layer), config, parts, x); // [M]
  x = model.rmsnorm('final_norm', x, 'output_norm.weight', gain); // [M]
  const head = isTied ? EMBEDDING : 'output.weight';
  const logits =
    logitSoftcap === null
      ? model.matmul('lm_head', x, head, vocabSize)
      : model.softcap('lm_head', model.matmul('lm_head_uncapped', x, head, vocabSize), logitSoftcap); // [vocabSize]
  return model.finish({ architecture, layerCount, vocabSize, contextLength }, logits);
}

/** y = x + attention(norm(x)); y + feedForward(norm(y)); with post-norms, what is added is normalised too. */
function decoderLayer(b: ProgramBuilder, config: ModelConfig, parts: DecoderParts, x: Built): Built {
  const gain = gainOf(config);
  const { feedForward = gatedFeedForward, hasPostNorms = false } = parts;
  const postNorm = (name: 'attn_post_norm' | 'ffn_post_norm', weight: string, out: Built): Built =>
    hasPostNorms ? b.rmsnorm(name, out, b.weight(weight), gain) : out;

  const mixed = selfAttention(b, config, b.rmsnorm('attn_norm', x, b.weight('attn_norm'), gain)); // [M]
  const y = b.add('post_attn_residual', x, postNorm('attn_post_norm', 'post_attention_norm', mixed)); // [M]
  const out = feedForward(b, config, b.rmsnorm('ffn_norm', y, b.weight('ffn_norm'), gain), parts); // [M]
  return b.add('post_ffn_residual', y, postNorm('ffn_post_norm', 'post_ffw_norm', out)); // [M]
}

/** W_o · attention(rope(norm(q)), rope(norm(k)), v), with q, k, v = W · x (+ bias); the norms are per head. */
function selfAttention(b: ProgramBuilder, config: ModelConfig, x: Built): Built {
  const { headCount, kvHeadCount, headDim, modelDim, localTheta, attentionSoftcap } = config;
  const window = config.fullAttentionLayers.includes(b.layer) ? null : config.slidingWindow;
  const isLocal = window !== null && localTheta !== null;
  const rope = isLocal ? { ...config.rope, theta: localTheta, scaling: { type: 'none' } as const } : config.rope;

  let q = b.matmul('q_matmul', x, b.weight('attn_q'), headCount * headDim); // [Q]
  let k = b.matmul('k_matmul', x, b.weight('attn_k'), kvHeadCount * headDim); // [K]
  let v = b.matmul('v_matmul', x, b.weight('attn_v'), kvHeadCount * headDim); // [K]
  b.stage('qkv_matmul', { from: 'concat', values: [q.id, k.id, v.id] });
  if (config.hasQkvBias) {
    q = b.addBias('q_bias', q, b.weight('attn_q', 'bias'));
    k = b.addBias('k_bias', k, b.weight('attn_k', 'bias'));
    v = b.addBias('v_bias', v, b.weight('attn_v', 'bias'));
    b.stage('qkv_bias', { from: 'concat', values: [q.id, k.id, v.id] });
  }
  b.stage('v', { from: 'value', value: v.id });
  if (config.hasQkNorm) {
    const gain = gainOf(config);
    q = b.rmsnorm('q_norm', q, b.weight('attn_q_norm'), { ...gain, headCount });
    k = b.rmsnorm('k_norm', k, b.weight('attn_k_norm'), { ...gain, headCount: kvHeadCount });
  }
  q = b.rope('q_post_rope', q, { headCount, headDim, rope });
  k = b.rope('k_post_rope', k, { headCount: kvHeadCount, headDim, rope });

  const softcap = attentionSoftcap === null ? {} : { softcap: attentionSoftcap };
  const head = { headCount, kvHeadCount, headDim, scale: config.attentionScale, window, ...softcap };
  const { out: mixed, op: attention } = b.attention('attention', { q, k, v }, head); // [Q]
  b.stage('attn_scores', { from: 'scores', attention });
  b.stage('attn_softmax', { from: 'softmax', attention });
  return b.matmul('attn_out', mixed, b.weight('attn_output'), modelDim); // [M]
}

/** W_down · (activation(W_gate · x) ⊙ (W_up · x)). */
function gatedFeedForward(b: ProgramBuilder, config: ModelConfig, x: Built, { activation }: DecoderParts): Built {
  const { ffnDim, modelDim } = config;

  const gate = b.matmul('ffn_gate', x, b.weight('ffn_gate'), ffnDim); // [F]
  const up = b.matmul('ffn_up', x, b.weight('ffn_up'), ffnDim); // [F]
  const activated = activation === 'gelu' ? b.gelu('ffn_gelu', gate) : b.silu('ffn_silu', gate); // [F]
  const gated = b.mul('ffn_swigl', activated, up); // [F]
  return b.matmul('ffn_out', gated, b.weight('ffn_down'), modelDim); // [M]
}

/** The same for every norm of a model. */
function gainOf({ rmsNormEps, normOffset }: ModelConfig): { eps: number; gainOffset: number } {
  return { eps: rmsNormEps, gainOffset: normOffset };
}
