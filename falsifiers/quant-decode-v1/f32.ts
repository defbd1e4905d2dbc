// Tries to break the decoder of f32 elements, which is a copy: every bit arrives, NaN payloads and the sign of zero
// included. Not claimed here: the matrix product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { f32 } from '../kit/types/f32.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-f32.as.ts
  gross f32-sign-lost: whole vectors lose their signs
  - v128.store(out, v128.load(blocks))
  + v128.store(out, f32x4.abs(v128.load(blocks)))
  small f32-tail-computed: the last elements of a row go through an addition, which loses the sign of zero
  - store<u32>(out, load<u32>(blocks))
  + store<f32>(out, load<f32>(blocks) + 0)
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-011': dequantizeClaim(f32, faults) };
