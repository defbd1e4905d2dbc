// Phi-3, Phi-3.5 and Phi-4 mini: Llama with rotation pairs half a head apart, and with the matrices that read one input
// stored as one. Some rotate a part of the head only; the long ones stretch their rotation by two lists of factors.
import type { Architecture } from '../config/architecture.ts';
import { compileDecoder } from './decoder.ts';

export const phi3: Architecture = {
  name: 'phi3',
  qkvBias: 'where-present',
  hasQkNorm: false,
  bosSpellings: ['<s>', '<|endoftext|>'],
  fused: { attn_qkv: ['attn_q', 'attn_k', 'attn_v'], ffn_up: ['ffn_gate', 'ffn_up'] },
  gguf: {
    ropePairing: 'neox',
    // Converters name no type of scaling.
    longrope: 'by tensors',
  },
  hf: {
    modelTypes: { phi3: { window: 'stated', isTied: false, maxPositions: 4_096 } },
    keys: ['partial_rotary_factor', 'rope_parameters.partial_rotary_factor', 'rope_scaling.partial_rotary_factor'],
    defaults: { rms_norm_eps: 1e-5 },
    rope: {
      isPartial: true,
      types: ['default', 'longrope'],
      typeNames: { su: 'longrope', yarn: 'longrope' },
      originalContextLength: 4_096,
    },
    layerNames: { 'self_attn.qkv_proj': 'attn_qkv', 'mlp.gate_up_proj': 'ffn_up' },
  },
  compile: compileDecoder,
};
