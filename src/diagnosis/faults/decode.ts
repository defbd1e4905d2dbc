// Faults of decoding stored blocks, as changes to the kernels that decode them. Blocks are decoded in one place for the
// embedding, the matrices and the tools, so each of these shows in all three.
import { sourceVariant, type Fault } from './fault.ts';

const SCALES_K = 'src/engine/cpu/kernels/lib/scales-k.as.ts';
const Q4_0 = 'src/engine/cpu/kernels/matmul-q4_0.as.ts';
const Q4_K = 'src/engine/cpu/kernels/matmul-q4_k.as.ts';
const Q6_K = 'src/engine/cpu/kernels/matmul-q6_k.as.ts';

export const DECODE_FAULTS: readonly Fault[] = [
  {
    id: 'W6',
    title: '6-bit scales and minima of sub-blocks 4 to 7 unpacked wrongly',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k or q5_k block with a scale of 16 or more in its second half',
    gross: sourceVariant(
      'the upper bits of scales 4 to 7 are lost',
      SCALES_K,
      '(c & 0x0f0f0f0f) | ((a >> 2) & 0x30303030)',
      'c & 0x0f0f0f0f',
    ),
    small: sourceVariant(
      'the upper bit of minima 4 to 7 is lost',
      SCALES_K,
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
    gross: sourceVariant(
      'the minimum is ignored (in q5_k too, which shares the unpacking)',
      SCALES_K,
      'f32x4.splat(-f16ToF32(load<u16>(block, 2)))',
      'f32x4.splat(0)',
    ),
    small: sourceVariant(
      'the minimum of every second sub-block is added',
      Q4_K,
      'highMin = v128.load32_splat(scales, 36)',
      'highMin = f32x4.neg(v128.load32_splat(scales, 36))',
    ),
  },
  {
    id: 'W8',
    title: 'nibbles of a block in the wrong order',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_0 block whose nibbles differ',
    gross: sourceVariant(
      'the upper nibbles come first',
      Q4_0,
      'const q = v128.load(blocks, 2);',
      'const q0 = v128.load(blocks, 2), q = v128.or(i8x16.shl(q0, 4), i8x16.shr_u(q0, 4));',
    ),
    small: sourceVariant(
      'the second and third value of a block change places',
      Q4_0,
      'const q = v128.load(blocks, 2);',
      'const q0 = v128.load(blocks, 2), q = i8x16.shuffle(q0, q0, 0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);',
    ),
  },
  {
    id: 'W9',
    title: 'zero point of q4_0 is 7 where it is 8',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_0 block with a scale that is not zero',
    gross: sourceVariant('every value is one step too high', Q4_0, 'bias = v128.load(BYTE_8)', 'bias = i8x16.splat(7)'),
    small: sourceVariant(
      'the values of the lower nibbles are one step too high',
      Q4_0,
      'i8x16.sub(v128.and(q, nibble), bias)',
      'i8x16.sub(v128.and(q, nibble), i8x16.splat(7))',
    ),
  },
  {
    id: 'W10',
    title: 'upper two bits of q6_k misplaced',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q6_k block with values of 16 or more',
    gross: sourceVariant(
      'the upper bits of one quarter are those of the next',
      Q6_K,
      'v128.and(i16x8.shl(h, 4), bits)',
      'v128.and(i16x8.shl(h, 2), bits)',
    ),
    small: sourceVariant(
      'the highest bit of one quarter is lost',
      Q6_K,
      'v128.and(i16x8.shr_u(h, 2), bits)',
      'v128.and(i16x8.shr_u(h, 2), i8x16.splat(0x10))',
    ),
  },
  {
    id: 'W13',
    title: 'subnormal float16 scales flushed to zero',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k or q5_k block with a scale below 2^-14',
    gross: sourceVariant(
      'every subnormal scale is read as zero',
      SCALES_K,
      'const d = f32x4.splat(f16ToF32(load<u16>(block)));',
      'const d = f32x4.splat((load<u16>(block) & 0x7c00) == 0 ? 0 : f16ToF32(load<u16>(block)));',
    ),
    small: sourceVariant(
      'the smallest subnormal scale is read as zero',
      SCALES_K,
      'const d = f32x4.splat(f16ToF32(load<u16>(block)));',
      'const d = f32x4.splat(load<u16>(block) == 1 ? 0 : f16ToF32(load<u16>(block)));',
    ),
  },
];
