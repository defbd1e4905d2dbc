// Tries to break the decoder of bf16 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { bf16 } from '../kit/types/bf16.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-bf16.as.ts
  gross bf16-shifted-by-15: whole vectors are shifted by 15 bits instead of 16
  - i32x4.shl(v128.load16x4_u(blocks), 16)
  + i32x4.shl(v128.load16x4_u(blocks), 15)
  small bf16-tail-lowest-bit: the lowest bit of the last elements of a row is lost
  - <u32>load<u16>(blocks) << 16
  + <u32>(load<u16>(blocks) & 0xfffe) << 16
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-010': dequantizeClaim(bf16, faults) };
