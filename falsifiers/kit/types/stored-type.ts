// One tensor type as its two claims (matrix product, dequantisation) need it: the format, the kernel under test, the
// oracle's decoder, and where blocks of trained weights come from. A file per type, so that a claim depends on its own
// type alone.
import type { Kernel } from '../../../src/engine/cpu/kernels/define-kernel.ts';
import type { MatmulFunctions } from '../../../src/engine/cpu/kernels/matmul.ts';
import type { TensorType } from '../../../src/engine/formats/tensor-types/tensor-type.ts';
import type { BlockDequantizer } from '../../../src/oracles/float64/dequantize/dequantize-blocks.ts';
import type { Need } from '../../../src/runner/run/falsifier.ts';
import type { BlockQuantiser } from '../models/quantise.ts';

export interface StoredType {
  type: TensorType;
  kernel: Kernel<MatmulFunctions>;
  /** The oracle's, which recorded vectors of an independent implementation hold (test/oracles/float64/dequantize.test.ts). */
  exact: BlockDequantizer;
  /** Trained files that have the type; where none has, trained weights are quantised by a function. */
  trained: readonly TrainedFile[] | BlockQuantiser;
}

export interface TrainedFile {
  need: Extract<Need, `model:${string}`>;
  file?: string;
}
