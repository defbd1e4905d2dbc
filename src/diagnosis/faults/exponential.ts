// Faults of the exponential that several kernels share: attention, silu, gelu, softcap, the shares of experts.
import { sourceVariant, type Fault } from './fault.ts';

const EXPONENTIAL = 'src/engine/cpu/kernels/lib/exp.as.ts';
const COEFFICIENTS = 'src/engine/cpu/kernels/lib/constants-exp.as.ts';

export const EXPONENTIAL_FAULTS: readonly Fault[] = [
  {
    id: 'P3',
    title: 'NaN is swallowed',
    bugClass: 'OVERFLOW_NONFINITE',
    firstStage: 'attn_softmax',
    needs: 'a NaN among the scores',
    gross: sourceVariant(
      'the clamp before the exponential turns NaN into a number',
      EXPONENTIAL,
      'f32x4.pmax(x, v128.load(EXP_LOWEST))',
      'f32x4.pmax(v128.load(EXP_LOWEST), x)',
    ),
    small: sourceVariant(
      'the exponential of NaN is 0',
      EXPONENTIAL,
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
    gross: sourceVariant('a coefficient of its polynomial is 4 percent off', COEFFICIENTS, '1.6666665459e-1', '1.6e-1'),
    small: sourceVariant('a coefficient of its polynomial has two digits', COEFFICIENTS, '4.1665795894e-2', '4.2e-2'),
  },
];
