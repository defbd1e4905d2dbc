// The dtypes of the safetensors format: those that the engine reads as they stand, and those that it only lists.
import type { TensorTypeName } from './tensor-types.ts';

export interface SafetensorsType {
  /** The engine's name, or null for a type that it cannot decode. */
  type: TensorTypeName | null;
  bits: number;
}

/** By the name in the file. Sub-byte types must fill whole bytes. */
export const SAFETENSORS_TYPES: ReadonlyMap<string, SafetensorsType> = new Map<string, SafetensorsType>([
  ['F32', { type: 'f32', bits: 32 }],
  ['F16', { type: 'f16', bits: 16 }],
  ['BF16', { type: 'bf16', bits: 16 }],
  ['F64', { type: null, bits: 64 }],
  ['C64', { type: null, bits: 64 }],
  ['I64', { type: null, bits: 64 }],
  ['U64', { type: null, bits: 64 }],
  ['I32', { type: null, bits: 32 }],
  ['U32', { type: null, bits: 32 }],
  ['I16', { type: null, bits: 16 }],
  ['U16', { type: null, bits: 16 }],
  ['I8', { type: null, bits: 8 }],
  ['U8', { type: null, bits: 8 }],
  ['BOOL', { type: null, bits: 8 }],
  ['F8_E4M3', { type: null, bits: 8 }],
  ['F8_E5M2', { type: null, bits: 8 }],
  ['F8_E4M3FNUZ', { type: null, bits: 8 }],
  ['F8_E5M2FNUZ', { type: null, bits: 8 }],
  ['F8_E8M0', { type: null, bits: 8 }],
  ['F6_E2M3', { type: null, bits: 6 }],
  ['F6_E3M2', { type: null, bits: 6 }],
  ['F4', { type: null, bits: 4 }],
]);
