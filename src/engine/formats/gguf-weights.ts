// The tensors of an open GGUF file as a WeightSource: bytes as stored, nothing decoded, nothing cached.
import { RefuteError } from '../../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import type { WeightName } from '../program/program.ts';
import { TENSOR_TYPES } from '../quant/types.ts';
import type { GgufTensor } from './gguf-tensors.ts';
import { quoted } from './quoted.ts';

export class GgufWeights implements WeightSource {
  readonly #source: ByteSource;
  readonly #tensors: ReadonlyMap<WeightName, GgufTensor>;

  constructor(source: ByteSource, tensors: readonly GgufTensor[]) {
    this.#source = source;
    this.#tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** @throws RefuteError E_TENSOR_TYPE for a tensor that is there in a type that cannot be decoded */
  info(name: WeightName): WeightInfo | undefined {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) return undefined;
    if (tensor.type === null || tensor.byteLength === null) {
      throw new RefuteError({
        code: 'E_TENSOR_TYPE',
        place: this.#source.path,
        is: `tensor ${quoted(name)} is stored as ${tensor.typeLabel} (GGML type ${tensor.ggmlId})`,
        allowed: `${Object.keys(TENSOR_TYPES).join(', ')} can be decoded`,
      });
    }
    return { name, type: tensor.type, shape: tensor.shape, byteLength: tensor.byteLength };
  }

  /** @throws RefuteError E_MODEL_TENSOR_MISSING, E_TENSOR_RANGE, and those of ByteSource */
  async read(name: WeightName, byteOffset: number, into: Uint8Array): Promise<void> {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw missingTensor(this.#source.path, name);
    const byteLength = tensor.byteLength ?? 0;
    const isInside = Number.isSafeInteger(byteOffset) && byteOffset >= 0 && byteOffset + into.byteLength <= byteLength;
    if (!isInside) {
      throw new RefuteError({
        code: 'E_TENSOR_RANGE',
        place: this.#source.path,
        is: `bytes ${byteOffset} to ${byteOffset + into.byteLength} of tensor ${quoted(name)} are wanted, it has ${byteLength}`,
      });
    }
    await this.#source.read(tensor.byteOffset + byteOffset, into);
  }
}

export function missingTensor(path: string, name: WeightName): RefuteError {
  return new RefuteError({
    code: 'E_MODEL_TENSOR_MISSING',
    place: path,
    is: `there is no tensor ${quoted(name)}`,
    allowed: 'the forward pass reads it',
    next: 'The file is a part of a split model, or a conversion dropped it',
  });
}
