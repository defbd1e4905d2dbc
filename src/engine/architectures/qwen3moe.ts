// Qwen3 with a feed-forward of experts in every layer: a router shares each position out over a few of them.
// Channels: M = modelDim, E = experts, K = experts used, F = ffnDim of one expert.
import type { Architecture } from '../config/architecture.ts';
import type { ConfigReader } from '../config/config-reader.ts';
import { LIMITS } from '../config/config-rules.ts';
import { noteOtherValues } from '../config/other-values.ts';
import type { ModelConfig } from '../program/config.ts';
import type { Built, ProgramBuilder } from '../program/program-builder.ts';
import { compileDecoder } from './decoder.ts';
import { qwen3 } from './qwen3.ts';

const TWO_NAMES = "num_local_experts goes first, as Transformers' class has it";

export const qwen3moe: Architecture = {
  ...qwen3,
  name: 'qwen3moe',
  ownTensors: /^blk\.\d+\.(ffn_(gate|up|down)_exps|ffn_gate_inp)\./,
  gguf: {
    ropePairing: 'neox',
    keys: ['expert_count', 'expert_used_count', 'expert_feed_forward_length', 'expert_weights_norm'],
    parts: {
      experts: (reader) => {
        const count = reader.requiredCount('experts.count', 'expert_count', LIMITS.expertCount);
        const usedCount = reader.requiredCount('experts.usedCount', 'expert_used_count', count);
        const ffnDim = reader.requiredCount('experts.ffnDim', 'expert_feed_forward_length', LIMITS.ffnDim);
        reader.record('experts.isRenormalised', 'architecture', 'always, unless stated');
        const isRenormalised = reader.flag('experts.isRenormalised', 'expert_weights_norm') ?? true;
        noteShares(reader, 'expert_weights_norm', isRenormalised);
        return { experts: { count, usedCount, ffnDim, isRenormalised } };
      },
    },
  },
  hf: {
    modelTypes: { qwen3_moe: { window: 'switched for all', isTied: false, maxPositions: 32_768 } },
    // Where every layer has experts, nothing reads it.
    defaults: { intermediate_size: 6_144 },
    keys: ['num_experts', 'num_local_experts', 'num_experts_per_tok', 'moe_intermediate_size', 'norm_topk_prob'],
    parts: {
      experts: (reader) => {
        // Transformers knows the first by two names.
        const count =
          reader.count('experts.count', 'num_local_experts', LIMITS.expertCount) ??
          reader.requiredCount('experts.count', 'num_experts', LIMITS.expertCount);
        const usedCount = reader.requiredCount('experts.usedCount', 'num_experts_per_tok', count);
        const ffnDim = reader.requiredCount('experts.ffnDim', 'moe_intermediate_size', LIMITS.ffnDim);
        const isRenormalised =
          reader.flag('experts.isRenormalised', 'norm_topk_prob') ??
          reader.default(
            'experts.isRenormalised',
            'EXPERT-NORM-DEFAULT',
            'norm_topk_prob',
            false,
            "Transformers' default",
          );
        noteShares(reader, 'norm_topk_prob', isRenormalised);
        noteOtherValues(reader, { key: 'experts', value: count }, ['num_local_experts', 'num_experts'], TWO_NAMES);
        return { experts: { count, usedCount, ffnDim, isRenormalised } };
      },
    },
  },
  compile: (config) => compileDecoder(config, { feedForward: expertFeedForward }),
};

/** Where Transformers and llama.cpp compute different things of the same statement. */
function noteShares(reader: ConfigReader, key: string, isRenormalised: boolean): void {
  if (isRenormalised) return;
  const message = `${reader.full(key)} is false, so the shares of the chosen experts are left as they are, as Transformers does; llama.cpp scales them to add up to 1 whatever the file says.`;
  reader.notices.push({ severity: 'note', code: 'EXPERT-NORM', message });
}

/** Σ_e share_e · W_down,e · (silu(W_gate,e · x) ⊙ (W_up,e · x)), over the K largest of softmax(W_r · x). */
function expertFeedForward(b: ProgramBuilder, config: ModelConfig, x: Built): Built {
  const { modelDim } = config;
  const { count, usedCount, ffnDim, isRenormalised } = config.experts ?? NO_EXPERTS;

  const logits = b.matmul('moe_logits', x, b.weight('ffn_gate_inp'), count); // [E]
  const chosen = b.moeSelect('moe_router_indices', logits, usedCount); // [K]
  const shares = b.moeRoute('moe_router', logits, chosen, isRenormalised); // [K]
  const expert = { experts: chosen, expertCount: count };
  const gate = b.expertMatmul('moe_gate', x, b.weight('ffn_gate_exps'), expert, [ffnDim, modelDim]); // [K · F]
  const up = b.expertMatmul('moe_up', x, b.weight('ffn_up_exps'), expert, [ffnDim, modelDim]); // [K · F]
  const gated = b.mul('moe_swigl', b.silu('moe_silu', gate), up); // [K · F]
  const outs = b.expertMatmul('moe_down', gated, b.weight('ffn_down_exps'), expert, [modelDim, ffnDim]); // [K · M]
  return b.moeSum('moe_ffn_out', outs, shares); // [M]
}

/** A config of this architecture has them; the reader refuses one without. */
const NO_EXPERTS = { count: 0, usedCount: 0, ffnDim: 0, isRenormalised: false };
