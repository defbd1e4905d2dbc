// The tensors of open files as a WeightSource: bytes as stored, nothing decoded, nothing cached.
import { RefuteError } from '../../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { FileTensor } from './model.ts';
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import type { WeightName } from '../program/program.ts';
import { TENSOR_TYPES } from '../formats/tensor-types.ts';
import { quoted } from '../formats/quoted.ts';

/** A stretch of a file. */
interface StoredBytes {
  source: ByteSource;
  /** From the start of the file. */
  byteOffset: number;
  byteLength: number;
}

/** A tensor and where its bytes are, whatever the format. */
export interface StoredTensor extends FileTensor {
  /** More than one where a file stores parts of a stack separately. Empty where the type's length is unknown. */
  parts: readonly StoredBytes[];
}

export class StoredWeights implements WeightSource {
  readonly #path: string;
  readonly #tensors: ReadonlyMap<WeightName, StoredTensor>;

  /** @param path the model, for messages about tensors that no file has */
  constructor(path: string, tensors: readonly StoredTensor[]) {
    this.#path = path;
    this.#tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** @throws RefuteError E_TENSOR_TYPE for a tensor that is there in a type that cannot be decoded */
  info(name: WeightName): WeightInfo | undefined {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) return undefined;
    if (tensor.type === null || tensor.byteLength === null) {
      const is = `tensor ${quoted(tensor.storedName ?? name)} is stored as ${tensor.typeLabel}`;
      const allowed = `${Object.keys(TENSOR_TYPES).join(', ')} can be decoded`;
      throw new RefuteError({ code: 'E_TENSOR_TYPE', place: this.#path, is, allowed });
    }
    return { name, type: tensor.type, shape: tensor.shape, byteLength: tensor.byteLength };
  }

  /** @throws RefuteError E_MODEL_TENSOR_MISSING, E_TENSOR_RANGE, and those of ByteSource */
  async read(name: WeightName, byteOffset: number, into: Uint8Array): Promise<void> {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw missingTensor(this.#path, name);
    checkTensorRange(this.#path, tensor, byteOffset, into);
    let start = 0;
    for (const part of tensor.parts) {
      const first = Math.max(byteOffset, start);
      const end = Math.min(byteOffset + into.byteLength, start + part.byteLength);
      if (first < end) {
        await part.source.read(part.byteOffset + first - start, into.subarray(first - byteOffset, end - byteOffset));
      }
      start += part.byteLength;
    }
  }
}

/** @throws RefuteError E_TENSOR_RANGE */
export function checkTensorRange(path: string, tensor: FileTensor, byteOffset: number, into: Uint8Array): void {
  const end = byteOffset + into.byteLength;
  const byteLength = tensor.byteLength ?? 0;
  if (Number.isSafeInteger(byteOffset) && byteOffset >= 0 && end <= byteLength) return;
  const is = `bytes ${byteOffset} to ${end} of tensor ${quoted(tensor.storedName ?? tensor.name)} are wanted, it has ${byteLength}`;
  throw new RefuteError({ code: 'E_TENSOR_RANGE', place: path, is });
}

/** @param name as the file would spell it */
/** @param names of the tensors that are there: one may have something in front of its name */
export function missingTensor(path: string, name: string, names: readonly string[] = []): RefuteError {
  const is = `there is no tensor ${quoted(name)}`;
  const allowed = 'the forward pass reads it';
  const longer = names.find((other) => other.endsWith(`.${name}`));
  const next =
    longer === undefined
      ? 'The file is a part of a split model, or a conversion dropped it'
      : `There is ${quoted(longer)}, which is another name: whatever wrote the file left a prefix in front`;
  return new RefuteError({ code: 'E_MODEL_TENSOR_MISSING', place: path, is, allowed, next });
}
