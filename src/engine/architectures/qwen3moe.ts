// Qwen3 with a feed-forward of experts in every layer: a router shares each position out over a few of them.
// Channels: M = modelDim, E = experts, K = experts used, F = ffnDim of one expert.
import type { ModelConfig } from '../program/config.ts';
import type { Built, ProgramBuilder } from '../program/program-builder.ts';
import { compileDecoder } from './decoder.ts';
import type { ArchitectureRules } from './rules.ts';

export const qwen3moe: ArchitectureRules = {
  ropePairing: 'neox',
  qkvBias: 'where-present',
  rotatesWholeHead: false,
  hasLongrope: false,
  hasQkNorm: true,
  hasExperts: true,
  gemma: null,
  compile: (config) => compileDecoder(config, expertFeedForward),
};

/** x + Σ_e share_e · W_down,e · (silu(W_gate,e · n) ⊙ (W_up,e · n)), n = norm(x), over the K largest of softmax(W_r · n). */
function expertFeedForward(b: ProgramBuilder, config: ModelConfig, layer: number, x: Built): Built {
  const { modelDim, rmsNormEps } = config;
  const { count, usedCount, ffnDim, isRenormalised } = config.experts ?? NO_EXPERTS;
  const weight = (part: string): string => `blk.${layer}.${part}.weight`;

  const norm = b.rmsnorm('ffn_norm', x, weight('ffn_norm'), { eps: rmsNormEps }); // [M]
  const logits = b.matmul('moe_logits', norm, weight('ffn_gate_inp'), count); // [E]
  const chosen = b.moeSelect('moe_router_indices', logits, usedCount); // [K]
  const shares = b.moeRoute('moe_router', logits, chosen, isRenormalised); // [K]
  const expert = { experts: chosen, expertCount: count };
  const gate = b.expertMatmul('moe_gate', norm, weight('ffn_gate_exps'), expert, [ffnDim, modelDim]); // [K · F]
  const up = b.expertMatmul('moe_up', norm, weight('ffn_up_exps'), expert, [ffnDim, modelDim]); // [K · F]
  const gated = b.mul('moe_swigl', b.silu('moe_silu', gate), up); // [K · F]
  const outs = b.expertMatmul('moe_down', gated, weight('ffn_down_exps'), expert, [modelDim, ffnDim]); // [K · M]
  const out = b.moeSum('moe_ffn_out', outs, shares); // [M]
  return b.add('post_ffn_residual', x, out); // [M]
}

/** A config of this architecture has them; the reader refuses one without. */
const NO_EXPERTS = { count: 0, usedCount: 0, ffnDim: 0, isRenormalised: false };
