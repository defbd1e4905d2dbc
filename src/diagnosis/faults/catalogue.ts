// The fault catalogue: every known bug that the product can plant in itself, by id. DESIGN §6; ids of the mutation
// suite. A falsifier that plants faults of one area, or of one op's kernel (ops/), imports that list alone.
import { OP_FAULTS } from '../ops/judgements.ts';
import { ARCHITECTURE_FAULTS } from './architecture.ts';
import { ATTENTION_FAULTS } from './attention.ts';
import { Q4_0_FAULTS } from './dequantize/q4_0.ts';
import { Q4_K_FAULTS } from './dequantize/q4_k.ts';
import { Q6_K_FAULTS } from './dequantize/q6_k.ts';
import { EXPONENTIAL_FAULTS } from './exponential.ts';
import type { Fault } from './fault.ts';
import { NORM_FAULTS } from './norm.ts';
import { ROPE_FAULTS } from './rope.ts';
import { SESSION_FAULTS } from './session.ts';
import { TOKEN_FAULTS } from './tokens.ts';
import { WEIGHT_FAULTS } from './weights.ts';

export const FAULTS: readonly Fault[] = [
  ...TOKEN_FAULTS,
  ...WEIGHT_FAULTS,
  ...Q4_K_FAULTS,
  ...Q4_0_FAULTS,
  ...Q6_K_FAULTS,
  ...NORM_FAULTS,
  ...ROPE_FAULTS,
  ...ATTENTION_FAULTS,
  ...ARCHITECTURE_FAULTS,
  ...SESSION_FAULTS,
  ...OP_FAULTS,
  ...EXPONENTIAL_FAULTS,
];
