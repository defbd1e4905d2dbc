// Faults of decoding stored blocks, as changes to the kernels that decode them. Blocks are decoded in one place for the
// embedding, the matrices and the tools, so each of these shows in all three.
import type { Fault, FaultVariant } from './fault.ts';

const KERNELS = 'src/engine/kernels';

function changed(title: string, file: string, find: string, replace: string): FaultVariant {
  return { title, inject: { kind: 'source', file: `${KERNELS}/${file}`, find, replace } };
}

export const DECODE_FAULTS: readonly Fault[] = [
  {
    id: 'W6',
    title: '6-bit scales and minima of sub-blocks 4 to 7 unpacked wrongly',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k or q5_k block with a scale of 16 or more in its second half',
    gross: changed(
      'the upper bits of scales 4 to 7 are lost',
      'lib/scales-k.as.ts',
      ' | ((load<u8>(p - 4) >> 6) << 4)',
      '',
    ),
    small: changed(
      'the upper bit of minima 4 to 7 is lost',
      'lib/scales-k.as.ts',
      '((load<u8>(p) >> 6) << 4)',
      '((load<u8>(p) >> 6 & 1) << 4)',
    ),
  },
  {
    id: 'W7',
    title: 'minimum of q4_k ignored or of the wrong sign',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k block with a minimum that is not zero',
    gross: changed(
      'the minimum is ignored',
      'matmul-q4_k.as.ts',
      'const dmin = f16ToF32(load<u16>(blocks, 2));',
      'const dmin: f32 = 0;',
    ),
    small: changed(
      'the minimum of every second sub-block is added',
      'matmul-q4_k.as.ts',
      'f32x4.splat(-(dmin * <f32>subMin(blocks + 4, j + 1)))',
      'f32x4.splat(dmin * <f32>subMin(blocks + 4, j + 1))',
    ),
  },
  {
    id: 'W8',
    title: 'nibbles of a block in the wrong order',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_0 block whose nibbles differ',
    gross: changed(
      'the upper nibbles come first',
      'matmul-q4_0.as.ts',
      'v128.and(q, i8x16.splat(15)), i8x16.splat(8)), d);\n      scaleSigned(out + 64, i8x16.sub(i8x16.shr_u(q, 4)',
      'i8x16.shr_u(q, 4), i8x16.splat(8)), d);\n      scaleSigned(out + 64, i8x16.sub(v128.and(q, i8x16.splat(15))',
    ),
    small: changed(
      'the second and third value of a block change places',
      'matmul-q4_0.as.ts',
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
    gross: changed(
      'every value is one step too high',
      'matmul-q4_0.as.ts',
      'i8x16.splat(15)), i8x16.splat(8)), d);\n      scaleSigned(out + 64, i8x16.sub(i8x16.shr_u(q, 4), i8x16.splat(8)), d);',
      'i8x16.splat(15)), i8x16.splat(7)), d);\n      scaleSigned(out + 64, i8x16.sub(i8x16.shr_u(q, 4), i8x16.splat(7)), d);',
    ),
    small: changed(
      'the values of the lower nibbles are one step too high',
      'matmul-q4_0.as.ts',
      'i8x16.sub(v128.and(q, i8x16.splat(15)), i8x16.splat(8))',
      'i8x16.sub(v128.and(q, i8x16.splat(15)), i8x16.splat(7))',
    ),
  },
  {
    id: 'W10',
    title: 'upper two bits of q6_k misplaced',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q6_k block with values of 16 or more',
    gross: changed(
      'the upper bits of one quarter are those of the next',
      'matmul-q6_k.as.ts',
      'v128.and(i8x16.shl(h, 4), m2)',
      'v128.and(i8x16.shl(h, 2), m2)',
    ),
    small: changed(
      'the highest bit of one quarter is lost',
      'matmul-q6_k.as.ts',
      'v128.and(i8x16.shr_u(h, 2), m2)',
      'v128.and(i8x16.shr_u(h, 2), i8x16.splat(0x10))',
    ),
  },
  {
    id: 'W13',
    title: 'subnormal float16 scales flushed to zero',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_k block with a scale below 2^-14',
    gross: changed(
      'every subnormal scale is read as zero',
      'matmul-q4_k.as.ts',
      'const d = f16ToF32(load<u16>(blocks));',
      'const d: f32 = (load<u16>(blocks) & 0x7c00) == 0 ? 0 : f16ToF32(load<u16>(blocks));',
    ),
    small: changed(
      'the smallest subnormal scale is read as zero',
      'matmul-q4_k.as.ts',
      'const d = f16ToF32(load<u16>(blocks));',
      'const d: f32 = load<u16>(blocks) == 1 ? 0 : f16ToF32(load<u16>(blocks));',
    ),
  },
];
