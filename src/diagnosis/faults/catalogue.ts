// The fault catalogue: every known bug that the product can plant in itself, by id. DESIGN §6; ids of the mutation suite.
import { ARCHITECTURE_FAULTS } from './architecture.ts';
import { ATTENTION_FAULTS } from './attention.ts';
import { CPU_FAULTS } from './cpu.ts';
import { Q4_0_FAULTS } from './dequantize/q4_0.ts';
import { Q4_K_FAULTS } from './dequantize/q4_k.ts';
import { Q6_K_FAULTS } from './dequantize/q6_k.ts';
import { EXPERT_FAULTS } from './experts.ts';
import { plantFrom, type CataloguePlant, type Fault } from './fault.ts';
import { KERNEL_FAULTS } from './kernels.ts';
import { NORM_FAULTS } from './norm.ts';
import { ROPE_FAULTS } from './rope.ts';
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
  ...EXPERT_FAULTS,
  ...CPU_FAULTS,
  ...KERNEL_FAULTS,
];

/** As `plantFrom`, of the whole catalogue. Modules that need one area's faults only import that area's list. */
export function plant(id: string, size: 'gross' | 'small'): CataloguePlant {
  return plantFrom(FAULTS, id, size);
}
