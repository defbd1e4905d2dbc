// Faults of the CPU kernels of single ops, as changes to their AssemblyScript: what a program or a weight cannot express.
// Those of decoding blocks are in decode.ts, those of the cache and the mask in cpu.ts.
import type { Fault, FaultVariant } from './fault.ts';

function changed(title: string, file: string, find: string, replace: string): FaultVariant {
  return { title, inject: { kind: 'source', file: `src/engine/kernels/${file}`, find, replace } };
}

export const KERNEL_FAULTS: readonly Fault[] = [
  {
    id: 'N2',
    title: 'norm epsilon outside of the root',
    bugClass: 'NORM_FAILURE',
    firstStage: 'attn_norm',
    needs: 'a row with a small mean square',
    gross: changed(
      'epsilon is added to the root and not below it',
      'rmsnorm.as.ts',
      '<f32>1 / sqrt<f32>(dot(x, x, channelCount) / <f32>channelCount + eps)',
      '<f32>1 / (sqrt<f32>(dot(x, x, channelCount) / <f32>channelCount) + eps)',
    ),
    small: changed(
      'epsilon is added twice',
      'rmsnorm.as.ts',
      '/ <f32>channelCount + eps)',
      '/ <f32>channelCount + eps + eps)',
    ),
  },
  {
    id: 'N4',
    title: 'the norm’s mean is not over its channels',
    bugClass: 'NORM_FAILURE',
    firstStage: 'attn_norm',
    needs: 'any input; a width that is no multiple of 4 for the small one',
    gross: changed(
      'the mean square is divided by one channel less',
      'rmsnorm.as.ts',
      '/ <f32>channelCount + eps)',
      '/ <f32>(channelCount - 1) + eps)',
    ),
    small: changed(
      'the channels after the last multiple of 4 are missing from the sum of squares',
      'rmsnorm.as.ts',
      'dot(x, x, channelCount)',
      'dot(x, x, channelCount > 3 ? channelCount & ~3 : channelCount)',
    ),
  },
  {
    id: 'R6',
    title: 'sign of the sine flipped',
    bugClass: 'ROPE_FAILURE',
    firstStage: 'q_post_rope',
    needs: 'a position after 0; halves as pairs; for the small one a number of pairs that is no multiple of 4',
    gross: changed(
      'the first half of each head turns the other way',
      'rope.as.ts',
      'f32x4.sub(f32x4.mul(first, c), f32x4.mul(second, s))',
      'f32x4.add(f32x4.mul(first, c), f32x4.mul(second, s))',
    ),
    small: changed(
      'the last pairs, which fill no vector, turn the other way',
      'rope.as.ts',
      'store<f32>(out + i, first * c - second * s)',
      'store<f32>(out + i, first * c + second * s)',
    ),
  },
  {
    id: 'A4',
    title: 'query heads read the wrong key-value head',
    bugClass: 'ATTENTION_FAILURE',
    firstStage: 'attn_scores',
    needs: 'more than one key-value head, and more query heads than those',
    gross: changed(
      'query head h reads key-value head h modulo their number',
      'attention.as.ts',
      '(head / groupHeads) * capacity',
      '(head % kvHeadCount) * capacity',
    ),
    small: changed(
      'the last query head reads the first key-value head',
      'attention.as.ts',
      '(head / groupHeads) * capacity',
      '(head + 1 == headCount ? 0 : head / groupHeads) * capacity',
    ),
  },
  {
    id: 'A13',
    title: 'the largest score is not taken away before the exponential',
    bugClass: 'OVERFLOW_NONFINITE',
    firstStage: 'attn_softmax',
    needs: 'a score above 88; for the small one, as the last of a number of keys that is no multiple of 4',
    gross: changed(
      'nothing is taken away',
      'attention.as.ts',
      'expInPlace(scores, seen, largestOf(scores, seen))',
      'expInPlace(scores, seen, 0)',
    ),
    small: changed(
      'the scores after the last multiple of 4 are not looked at',
      'attention.as.ts',
      'for (; scores < end; scores += 4) largest',
      'for (; seen < 4 && scores < end; scores += 4) largest',
    ),
  },
  {
    id: 'A15',
    title: 'padding takes part in the softmax',
    bugClass: 'ATTENTION_FAILURE',
    firstStage: 'attn_softmax',
    needs: 'a number of keys that is no multiple of 4',
    gross: changed(
      'each padded lane counts as a key of the largest score',
      'attention.as.ts',
      'v128.store(end, f32x4.splat(0))',
      'v128.store(end, f32x4.splat(1))',
    ),
    small: changed(
      'each padded lane counts for a hundred-thousandth of the largest score',
      'attention.as.ts',
      'v128.store(end, f32x4.splat(0))',
      'v128.store(end, f32x4.splat(0.00001))',
    ),
  },
  {
    id: 'M2',
    title: 'another activation function for SiLU',
    bugClass: 'FFN_FAILURE',
    firstStage: 'ffn_silu',
    needs: 'any input',
    gross: changed(
      'x · sigmoid(1.702 x), which stands in for GELU',
      'silu.as.ts',
      'f32x4.neg(f32x4.abs(x))',
      'f32x4.neg(f32x4.abs(f32x4.mul(f32x4.splat(1.702), x)))',
    ),
    small: changed(
      'SiLU, but of numbers below -8, which become 0',
      'silu.as.ts',
      'v128.bitselect(f32x4.mul(x, t), x, f32x4.lt(x, v128.load(ZERO)))',
      'f32x4.mul(v128.bitselect(f32x4.mul(x, t), x, f32x4.lt(x, v128.load(ZERO))), f32x4.convert_i32x4_s(v128.and(f32x4.ge(x, f32x4.splat(-8)), i32x4.splat(1))))',
    ),
  },
  {
    id: 'P3',
    title: 'NaN is swallowed',
    bugClass: 'OVERFLOW_NONFINITE',
    firstStage: 'attn_softmax',
    needs: 'a NaN among the scores',
    gross: changed(
      'the clamp before the exponential turns NaN into a number',
      'lib/exp.as.ts',
      'f32x4.pmax(x, v128.load(EXP_LOWEST))',
      'f32x4.pmax(v128.load(EXP_LOWEST), x)',
    ),
    small: changed(
      'the exponential of NaN is 0',
      'lib/exp.as.ts',
      'return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half)));',
      'return v128.and(f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half))), f32x4.eq(x, x));',
    ),
  },
  {
    id: 'P7',
    title: 'an exponential of low accuracy',
    bugClass: 'PRECISION_LOSS',
    firstStage: 'attn_softmax',
    needs: 'arguments between multiples of ln 2',
    gross: changed(
      'a coefficient of its polynomial is 4 percent off',
      'lib/constants.as.ts',
      '1.6666665459e-1',
      '1.6e-1',
    ),
    small: changed(
      'a coefficient of its polynomial has two digits',
      'lib/constants.as.ts',
      '4.1665795894e-2',
      '4.2e-2',
    ),
  },
];
