// Gemma 2: scaled embeddings, a norm before and after each part, scores and logits softly capped, GELU, and a window in
// every other layer. Channels: M = modelDim, F = ffnDim, Q = headCount · headDim, K = kvHeadCount · headDim.
import type { ModelConfig } from '../program/config.ts';
import { ProgramBuilder, type Built } from '../program/program-builder.ts';
import type { Program } from '../program/program.ts';
import { selfAttention } from './decoder.ts';
import type { ArchitectureRules } from './rules.ts';

export const gemma2: ArchitectureRules = {
  ropePairing: 'neox',
  qkvBias: 'where-present',
  rotatesWholeHead: false,
  hasLongrope: false,
  hasQkNorm: false,
  hasExperts: false,
  gemma: { normOffset: 1, attentionSoftcap: 50, logitSoftcap: 30, slidingWindow: 4_096, queryScalar: 256 },
  compile: compileGemma2,
};

const EMBEDDING = 'token_embd.weight';

/** cap · tanh(head(norm(layers(scale · embed(tokens)))) / cap). */
function compileGemma2(config: ModelConfig): Program {
  const { architecture, layerCount, modelDim, vocabSize, contextLength, embeddingScale, logitSoftcap } = config;
  const gain = { eps: config.rmsNormEps, gainOffset: config.normOffset };
  const b = new ProgramBuilder();

  b.inLayer(0);
  let x = b.scale('embedding', b.embed('token_embedding', EMBEDDING, vocabSize, modelDim), embeddingScale); // [M]
  for (let layer = 0; layer < layerCount; layer += 1) {
    b.inLayer(layer);
    const weight = (part: string): string => `blk.${layer}.${part}.weight`;
    const mixed = selfAttention(b, config, layer, b.rmsnorm('attn_norm', x, weight('attn_norm'), gain)); // [M]
    x = b.add('post_attn_residual', x, b.rmsnorm('attn_post_norm', mixed, weight('post_attention_norm'), gain)); // [M]
    const out = feedForward(b, config, layer, b.rmsnorm('ffn_norm', x, weight('ffn_norm'), gain)); // [M]
    x = b.add('post_ffn_residual', x, b.rmsnorm('ffn_post_norm', out, weight('post_ffw_norm'), gain)); // [M]
  }
  b.inLayer(null);
  x = b.rmsnorm('final_norm', x, 'output_norm.weight', gain); // [M]
  const head = config.isTied ? EMBEDDING : 'output.weight';
  const logits =
    logitSoftcap === null
      ? b.matmul('lm_head', x, head, vocabSize)
      : b.softcap('lm_head', b.matmul('lm_head_uncapped', x, head, vocabSize), logitSoftcap); // [vocabSize]
  return b.finish({ architecture, layerCount, vocabSize, contextLength }, logits);
}

/** W_down · (gelu(W_gate · x) ⊙ (W_up · x)). */
function feedForward(b: ProgramBuilder, { ffnDim, modelDim }: ModelConfig, layer: number, x: Built): Built {
  const weight = (part: string): string => `blk.${layer}.${part}.weight`;
  const gate = b.matmul('ffn_gate', x, weight('ffn_gate'), ffnDim); // [F]
  const up = b.matmul('ffn_up', x, weight('ffn_up'), ffnDim); // [F]
  const gated = b.mul('ffn_swigl', b.gelu('ffn_gelu', gate), up); // [F]
  return b.matmul('ffn_out', gated, weight('ffn_down'), modelDim); // [M]
}
