// Stored bytes to the doubles that they mean, for every tensor type. The oracle's own: no arithmetic of the engine is
// in here. Source of the layouts: the GGUF specification and ggml's block structs.
//
// Every product has at most 23 significant bits and every sum spans at most 51, so the double is exact. What ggml and
// the engine dequantize to is its float32: the same number for a type that `isExact`, else one rounding away (at most
// half a unit in the last place, of the result). No type rounds twice. A budget for an engine that multiplies float32
// weights must allow for that rounding.
import { TENSOR_TYPES, type TensorTypeName } from '../../../engine/formats/tensor-types.ts';
import * as byType from './by-type.ts';
import { dequantizeBlocks, type BlockDequantizer } from './dequantize-blocks.ts';

const DEQUANTIZERS: Readonly<Record<TensorTypeName, BlockDequantizer>> = byType;

/** The exact values of whole blocks. @param into absent: a new array @throws RefuteError E_PARTIAL_BLOCK */
export function dequantizeExact(type: TensorTypeName, bytes: Uint8Array, into?: Float64Array): Float64Array {
  return dequantizeBlocks(TENSOR_TYPES[type], DEQUANTIZERS[type], bytes, into);
}
