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

/** @param faults names in webgpu-kernels-v1/faults.webgpu.ts */
function claim(parts: Falsifier['parts'], faults: string): Falsifier {
  return {
    parts,
    faults: [],
    faultsOnWebgpu: async () => (await import('./webgpu-kernels-v1/faults.webgpu.ts')).kernelFaults(faults),
  };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-WGPU-001': claim(decoderParts, ''),
  'FALSIFY-WGPU-002': claim(productParts, ''),
  'FALSIFY-WGPU-003': claim(normParts, ''),
  'FALSIFY-WGPU-004': claim(ropeParts, ''),
  'FALSIFY-WGPU-005': claim(attentionParts, ''),
  'FALSIFY-WGPU-006': claim(elementwiseParts, ''),
  'FALSIFY-WGPU-007': claim(expertParts, ''),
  'FALSIFY-WGPU-008': claim(choiceParts, ''),
  'FALSIFY-WGPU-009': claim(surfacingParts, ''),
  'FALSIFY-WGPU-010': claim(repeatParts, ''),
  'FALSIFY-WGPU-011': claim(tapParts, ''),
};
