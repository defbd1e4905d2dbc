// Tries to find a WGSL kernel that makes something else than its formula, beyond what the arithmetic that the WebGPU executor declares
// explains: each through the executor that binds it, in programs of a few ops, fused for a position by itself and one by one for many.
// Not claimed: whole models (hf-parity-*-v1, apr-cpu-vs-gpu-output-parity-v1).
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { attentionParts } from './webgpu-kernels-v1/attention.ts';
import { choiceParts } from './webgpu-kernels-v1/choice.ts';
import { decoderParts } from './webgpu-kernels-v1/decoders.ts';
import { elementwiseParts } from './webgpu-kernels-v1/elementwise.ts';
import { expertParts } from './webgpu-kernels-v1/experts.ts';
import { normParts } from './webgpu-kernels-v1/norms.ts';
import { productParts } from './webgpu-kernels-v1/products.ts';
import { repeatParts, tapParts } from './webgpu-kernels-v1/repeats.ts';
import { ropeParts } from './webgpu-kernels-v1/rope.ts';
import { surfacingParts } from './webgpu-kernels-v1/surfacing.ts';

/** @param faults names of webgpu-kernels-v1/faults.webgpu.ts and kit/claims/wgsl-faults.webgpu.ts */
function claim(parts: Falsifier['parts'], faults: string): Falsifier {
  return {
    parts,
    faults: [],
    faultsOnWebgpu: async () => (await import('./webgpu-kernels-v1/faults.webgpu.ts')).kernelFaults(faults),
  };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-WGPU-001': claim(
    decoderParts,
    'q4_k-minimum-lost planes-too-close subnormal-scales fifth-bits-again embedding-tail q4_k-minimum-lost-in-live q4_k-minimum-lost-in-oracle',
  ),
  'FALSIFY-WGPU-002': claim(
    productParts,
    'f16-accumulator gated-stride lanes-assumed sums-cut columns-lost second-rows-off columns-lost-in-live columns-lost-in-oracle',
  ),
  'FALSIFY-WGPU-003': claim(
    normParts,
    'wgsl-missing-barrier head-stride stale-bind-group wgsl-lost-eps norm-in-product-without-eps wgsl-missing-barrier-in-live wgsl-missing-barrier-in-oracle',
  ),
  'FALSIFY-WGPU-004': claim(
    ropeParts,
    'wgsl-rope-pairing angles-of-row-0 last-channel-unturned wgsl-rope-pairing-in-live wgsl-rope-pairing-in-oracle',
  ),
  'FALSIFY-WGPU-005': claim(
    attentionParts,
    'wgsl-key-row-off wgsl-append-row-off wgsl-lost-scale parts-without-barrier wgsl-last-value-row-off window-one-more small-caps-lost last-split-forgotten wgsl-key-row-off-in-live wgsl-key-row-off-in-oracle',
  ),
  'FALSIFY-WGPU-006': claim(
    elementwiseParts,
    'silu-of-gelu factor-of-row-0 wgsl-tail wgsl-gelu-cube tanh-series-too-far wgsl-tail-in-live silu-of-gelu-in-oracle',
  ),
  'FALSIFY-WGPU-007': claim(
    expertParts,
    'wgsl-shares-of-all wgsl-expert-neighbour gate-of-expert-0 share-of-first-slot last-slot-lost higher-of-equals wgsl-shares-of-all-in-oracle',
  ),
  'FALSIFY-WGPU-008': claim(
    choiceParts,
    'others-by-comparison choice-without-barrier any-of-equals least-of-one choice-without-barrier-in-live',
  ),
  'FALSIFY-WGPU-009': claim(surfacingParts, 'nan-capped silu-held silu-held-in-live'),
  'FALSIFY-WGPU-010': claim(
    repeatParts,
    'adds-to-what-was gpu-angles-drift gpu-one-angle-drifts adds-to-what-was-in-live',
  ),
  'FALSIFY-WGPU-011': claim(tapParts, 'last-row-is-first taps-move-bits last-row-is-first-in-live'),
};
