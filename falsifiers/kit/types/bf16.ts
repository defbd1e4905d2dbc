// bf16 as its claims need it.
import { matmulBf16Kernel } from '../../../src/engine/cpu/kernels/matmul-bf16.ts';
import { bf16 as type } from '../../../src/engine/formats/tensor-types/bf16.ts';
import { bf16 as exact } from '../../../src/oracles/float64/dequantize/bf16.ts';
import type { BlockQuantiser } from '../models/quantise.ts';
import type { StoredType } from './stored-type.ts';

/** Truncation to the upper half of a float32: what matters here is dequantising, not rounding. */
const quantise: BlockQuantiser = (values, view) => {
  const single = new DataView(new ArrayBuffer(4));
  single.setFloat32(0, values[0] ?? 0);
  view.setUint16(0, single.getUint16(0), true);
};

export const bf16: StoredType = { type, kernel: matmulBf16Kernel, exact, trained: quantise };
