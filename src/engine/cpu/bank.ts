// One memory of the CPU executor with the kernels over it and the weights in it.
import { addBiasKernel, type AddBiasFunctions } from './kernels/add-bias.ts';
import { addKernel, type AddFunctions } from './kernels/add.ts';
import { attentionKernel, type AttentionFunctions } from './kernels/attention.ts';
import { KernelMemory, type Pointer } from './kernels/kernel-memory.ts';
import { MATMUL_KERNELS } from './kernels/matmul-kernels.ts';
import type { MatmulFunctions } from './kernels/matmul.ts';
import type { Kernel } from './kernels/define-kernel.ts';
import { geluKernel, type GeluFunctions } from './kernels/gelu.ts';
import { moeKernel, type MoeFunctions } from './kernels/moe.ts';
import { mulKernel, type MulFunctions } from './kernels/mul.ts';
import { rmsnormKernel, type RmsnormFunctions } from './kernels/rmsnorm.ts';
import { ropeKernel, type RopeFunctions } from './kernels/rope.ts';
import { scaleKernel, type ScaleFunctions } from './kernels/scale.ts';
import { siluKernel, type SiluFunctions } from './kernels/silu.ts';
import { softcapKernel, type SoftcapFunctions } from './kernels/softcap.ts';
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import { dequantize } from './dequantize.ts';
import type { TensorTypeName } from '../formats/tensor-types.ts';
import { residentByteLength, type ResidentWeight } from './bank-plan.ts';

type OpFunctions = AddFunctions &
  AddBiasFunctions &
  AttentionFunctions &
  GeluFunctions &
  MoeFunctions &
  MulFunctions &
  RmsnormFunctions &
  RopeFunctions &
  ScaleFunctions &
  SiluFunctions &
  SoftcapFunctions;

const OP_KERNELS: readonly Kernel<Partial<OpFunctions>>[] = [
  addKernel,
  addBiasKernel,
  attentionKernel,
  geluKernel,
  moeKernel,
  mulKernel,
  rmsnormKernel,
  ropeKernel,
  scaleKernel,
  siluKernel,
  softcapKernel,
];

/** Read per call, so that the source's own buffers stay small. */
const READ_BYTES = 16 * 2 ** 20;

export class Bank {
  readonly memory: KernelMemory;
  readonly ops: OpFunctions;
  readonly #matmuls: ReadonlyMap<TensorTypeName, MatmulFunctions>;
  readonly #pointers = new Map<string, Pointer>();

  private constructor(memory: KernelMemory, ops: OpFunctions, matmuls: ReadonlyMap<TensorTypeName, MatmulFunctions>) {
    this.memory = memory;
    this.ops = ops;
    this.#matmuls = matmuls;
  }

  /** @param types of the matrices that the bank will hold */
  static async open(byteLimit: number, types: Iterable<TensorTypeName>): Promise<Bank> {
    const memory = new KernelMemory(byteLimit);
    const functions = await Promise.all(OP_KERNELS.map((kernel) => kernel.instantiate(memory.memory)));
    const matmuls = new Map<TensorTypeName, MatmulFunctions>();
    for (const type of types) matmuls.set(type, await MATMUL_KERNELS[type].instantiate(memory.memory));
    return new Bank(memory, Object.assign({}, ...functions) as OpFunctions, matmuls);
  }

  /** Copies a weight in: a matrix as stored, a vector decoded. */
  async load(weight: ResidentWeight, info: WeightInfo, source: WeightSource): Promise<void> {
    const pointer = this.memory.allocate(residentByteLength(weight, info));
    this.#pointers.set(weight.key, pointer);
    if (weight.isVector) {
      const values = await readFloats(info, source);
      this.memory.floats(pointer, values.length).set(values.map((value) => value + weight.offset));
      return;
    }
    for (let offset = 0; offset < info.byteLength; offset += READ_BYTES) {
      const length = Math.min(READ_BYTES, info.byteLength - offset);
      await source.read(info.name, offset, this.memory.bytes(pointer + offset, length));
    }
  }

  pointerOf(weight: ResidentWeight): Pointer {
    const pointer = this.#pointers.get(weight.key);
    if (pointer === undefined) throw new RangeError(`weight ${weight.name} is not in the bank of its op`);
    return pointer;
  }

  /** Enough for every matrix kernel of the bank. */
  matmulScratchByteLength(tokenCount: number): number {
    const lengths = [...this.#matmuls.values()].map(({ scratchByteLength }) => scratchByteLength(tokenCount));
    return Math.max(0, ...lengths);
  }

  matmulOf(type: TensorTypeName): MatmulFunctions {
    const functions = this.#matmuls.get(type);
    if (functions === undefined) throw new RangeError(`the bank has no ${type} kernel`);
    return functions;
  }
}

/** A whole weight as f32. */
export async function readFloats(info: WeightInfo, source: WeightSource): Promise<Float32Array> {
  const bytes = new Uint8Array(info.byteLength);
  await source.read(info.name, 0, bytes);
  return dequantize(info.type, bytes);
}
