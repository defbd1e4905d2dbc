// The forward pass of a pre-norm decoder with rotary positions, grouped-query attention and a gated feed-forward: all of
// llama, qwen2 and qwen3. What differs between them (pairing, bias, head norms, tied head) is in the config.
// Channels: M = modelDim, F = ffnDim, Q = headCount · headDim, K = kvHeadCount · headDim.
import type { ModelConfig } from '../program/config.ts';
import { ProgramBuilder, type Built } from '../program/program-builder.ts';
import type { Program } from '../program/program.ts';

const EMBEDDING = 'token_embd.weight';

/** head(norm(layers(embed(tokens)))); logits = W_head · norm, W_head the embedding itself where the model is tied. */
export function compileDecoder(config: ModelConfig, feedForward: typeof gatedFeedForward = gatedFeedForward): Program {
  const { layerCount, modelDim, vocabSize, contextLength, rmsNormEps: eps, isTied, architecture } = config;
  const b = new ProgramBuilder();

  b.inLayer(0);
  let x = b.embed('embedding', EMBEDDING, vocabSize, modelDim); // [M]
  for (let layer = 0; layer < layerCount; layer += 1) {
    b.inLayer(layer);
    const norm = b.rmsnorm('attn_norm', x, `blk.${layer}.attn_norm.weight`, { eps }); // [M]
    x = b.add('post_attn_residual', x, selfAttention(b, config, layer, norm)); // [M]
    x = feedForward(b, config, layer, x); // [M]
  }
  b.inLayer(null);
  x = b.rmsnorm('final_norm', x, 'output_norm.weight', { eps }); // [M]
  const logits = b.matmul('lm_head', x, isTied ? EMBEDDING : 'output.weight', vocabSize); // [vocabSize]
  return b.finish({ architecture, layerCount, vocabSize, contextLength }, logits);
}

/** W_o · attention(rope(norm(q)), rope(norm(k)), v), with q, k, v = W · x (+ bias); the norms are per head. */
export function selfAttention(b: ProgramBuilder, config: ModelConfig, layer: number, x: Built): Built {
  const { headCount, kvHeadCount, headDim, modelDim, rope, slidingWindow, attentionSoftcap, rmsNormEps: eps } = config;
  const weight = (part: string): string => `blk.${layer}.${part}`;

  let q = b.matmul('q_matmul', x, weight('attn_q.weight'), headCount * headDim); // [Q]
  let k = b.matmul('k_matmul', x, weight('attn_k.weight'), kvHeadCount * headDim); // [K]
  let v = b.matmul('v_matmul', x, weight('attn_v.weight'), kvHeadCount * headDim); // [K]
  b.stage('qkv_matmul', { from: 'concat', values: [q.id, k.id, v.id] });
  if (config.hasQkvBias) {
    q = b.addBias('q_bias', q, weight('attn_q.bias'));
    k = b.addBias('k_bias', k, weight('attn_k.bias'));
    v = b.addBias('v_bias', v, weight('attn_v.bias'));
    b.stage('qkv_bias', { from: 'concat', values: [q.id, k.id, v.id] });
  }
  b.stage('v', { from: 'value', value: v.id });
  if (config.hasQkNorm) {
    q = b.rmsnorm('q_norm', q, weight('attn_q_norm.weight'), { eps, headCount });
    k = b.rmsnorm('k_norm', k, weight('attn_k_norm.weight'), { eps, headCount: kvHeadCount });
  }
  q = b.rope('q_post_rope', q, { headCount, headDim, rope });
  k = b.rope('k_post_rope', k, { headCount: kvHeadCount, headDim, rope });

  const window = config.fullAttentionLayers.includes(layer) ? null : slidingWindow;
  const softcap = attentionSoftcap === null ? {} : { softcap: attentionSoftcap };
  const head = { layer, headCount, kvHeadCount, headDim, scale: config.attentionScale, window, ...softcap };
  const { out: mixed, op: attention } = b.attention('attention', { q, k, v }, head); // [Q]
  b.stage('attn_scores', { from: 'scores', attention });
  b.stage('attn_softmax', { from: 'softmax', attention });
  return b.matmul('attn_out', mixed, weight('attn_output.weight'), modelDim); // [M]
}

/** x + W_down · (silu(W_gate · norm(x)) ⊙ (W_up · norm(x))). */
function gatedFeedForward(b: ProgramBuilder, config: ModelConfig, layer: number, x: Built): Built {
  const { ffnDim, modelDim, rmsNormEps: eps } = config;
  const weight = (part: string): string => `blk.${layer}.${part}.weight`;

  const norm = b.rmsnorm('ffn_norm', x, weight('ffn_norm'), { eps }); // [M]
  const gate = b.matmul('ffn_gate', norm, weight('ffn_gate'), ffnDim); // [F]
  const up = b.matmul('ffn_up', norm, weight('ffn_up'), ffnDim); // [F]
  const gated = b.mul('ffn_swigl', b.silu('ffn_silu', gate), up); // [F]
  const out = b.matmul('ffn_out', gated, weight('ffn_down'), modelDim); // [M]
  return b.add('post_ffn_residual', x, out); // [M]
}
