// Faults of dequantizing q4_k blocks, as changes to the kernel that does it. Blocks are dequantized in one place for
// the embedding, the matrices and the tools, so each of these shows in all three.
import type { Fault } from '../fault.ts';
import { kernelChange as changed } from './kernel-change.ts';

export const Q4_K_FAULTS: readonly Fault[] = [
  {
    id: 'W6',
    title: '6-bit scales and minima of sub-blocks 4 to 7 unpacked wrongly',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k or q5_k block with a scale of 16 or more in its second half',
    gross: changed(
      'the upper bits of scales 4 to 7 are lost',
      'lib/scales-k.as.ts',
      '(c & 0x0f0f0f0f) | ((a >> 2) & 0x30303030)',
      'c & 0x0f0f0f0f',
    ),
    small: changed(
      'the upper bit of minima 4 to 7 is lost',
      'lib/scales-k.as.ts',
      '((b >> 2) & 0x30303030)',
      '((b >> 2) & 0x10101010)',
    ),
  },
  {
    id: 'W7',
    title: 'minimum of q4_k ignored or of the wrong sign',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k block with a minimum that is not zero',
    gross: changed(
      'the minimum is ignored (in q5_k too, which shares the unpacking)',
      'lib/scales-k.as.ts',
      'f32x4.splat(-f16ToF32(load<u16>(block, 2)))',
      'f32x4.splat(0)',
    ),
    small: changed(
      'the minimum of every second sub-block is added',
      'matmul-q4_k.as.ts',
      'highMin = v128.load32_splat(scales, 36)',
      'highMin = f32x4.neg(v128.load32_splat(scales, 36))',
    ),
  },
  {
    id: 'W13',
    title: 'subnormal float16 scales flushed to zero',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k or q5_k block with a scale below 2^-14',
    gross: changed(
      'every subnormal scale is read as zero',
      'lib/scales-k.as.ts',
      'const d = f32x4.splat(f16ToF32(load<u16>(block)));',
      'const d = f32x4.splat((load<u16>(block) & 0x7c00) == 0 ? 0 : f16ToF32(load<u16>(block)));',
    ),
    small: changed(
      'the smallest subnormal scale is read as zero',
      'lib/scales-k.as.ts',
      'const d = f32x4.splat(f16ToF32(load<u16>(block)));',
      'const d = f32x4.splat(load<u16>(block) == 1 ? 0 : f16ToF32(load<u16>(block)));',
    ),
  },
];
