// A whole APRT file in memory, of the two pieces that the product writes one after the other (capture/write-capture.ts).
import { elementBytes, encodeAprtHeader } from '../../../src/engine/formats/aprt.ts';

export function aprtFile({ layer, data }: { layer: number | null; data: Float32Array }): Uint8Array {
  return new Uint8Array(Buffer.concat([encodeAprtHeader(layer, data.length), elementBytes(data)]));
}
