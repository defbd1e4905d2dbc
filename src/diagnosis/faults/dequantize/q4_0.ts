// Faults of dequantizing q4_0 blocks, as changes to the kernel that does it. Blocks are dequantized in one place for
// the embedding, the matrices and the tools, so each of these shows in all three.
import type { Fault } from '../fault.ts';
import { kernelChange as changed } from './kernel-change.ts';

export const Q4_0_FAULTS: readonly Fault[] = [
  {
    id: 'W8',
    title: 'nibbles of a block in the wrong order',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q4_0 block whose nibbles differ',
    gross: changed(
      'the upper nibbles come first',
      'matmul-q4_0.as.ts',
      'const q = v128.load(blocks, 2);',
      'const q0 = v128.load(blocks, 2), q = v128.or(i8x16.shl(q0, 4), i8x16.shr_u(q0, 4));',
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
      'bias = v128.load(BYTE_8)',
      'bias = i8x16.splat(7)',
    ),
    small: changed(
      'the values of the lower nibbles are one step too high',
      'matmul-q4_0.as.ts',
      'i8x16.sub(v128.and(q, nibble), bias)',
      'i8x16.sub(v128.and(q, nibble), i8x16.splat(7))',
    ),
  },
];
