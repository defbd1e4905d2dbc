// The oracle's decoders against the recorded bits of an independent implementation: falsifiers/vectors/quant-decode.
// The vectors are float32, the oracle is exact, so what must be equal is the oracle's value rounded once.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TENSOR_TYPES, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { dequantizeExact } from '../../../src/oracles/float64/dequantize/dequantize-exact.ts';
import { ulpError } from '../../cases/ulp.ts';
import { refusal } from '../../fixtures/refusal.ts';

const VECTORS = new URL('../../../falsifiers/vectors/quant-decode/', import.meta.url);

function vectorsOf(type: TensorTypeName): { exact: Float64Array; recorded: Float32Array } {
  const stem = type.toUpperCase();
  const blocks = new Uint8Array(readFileSync(new URL(`${stem}.blocks.bin`, VECTORS)));
  const values = new Uint8Array(readFileSync(new URL(`${stem}.f32.bin`, VECTORS)));
  return { exact: dequantizeExact(type, blocks), recorded: new Float32Array(values.buffer) };
}

/** Elements that are not the recorded bits after one rounding; a NaN is a NaN. */
function differingBits(exact: Float64Array, recorded: Float32Array): number {
  const [ours, theirs] = [new Uint32Array(Float32Array.from(exact).buffer), new Uint32Array(recorded.buffer)];
  return ours.filter((bits, i) => bits !== theirs[i] && !(Number.isNaN(exact[i]) && Number.isNaN(recorded[i]))).length;
}

/** Largest distance of finite values in units of the last place of float32. */
function worstUlp(exact: Float64Array, recorded: Float32Array): number {
  return recorded.reduce((worst, value, i) => {
    return Math.max(worst, Number.isFinite(value) ? ulpError(value, exact[i] ?? Number.NaN) : 0);
  }, 0);
}

/** A float32 is a copy: other people's would show nothing. */
const RECORDED = (Object.keys(TENSOR_TYPES) as TensorTypeName[]).filter((type) => type !== 'f32');

describe('dequantizeExact', () => {
  it.each(RECORDED)('gives values of %s that become the recorded ones in one rounding, or in none', (type) => {
    const { exact, recorded } = vectorsOf(type);
    expect(exact.length).toBe(recorded.length);
    expect(differingBits(exact, recorded)).toBe(0);
    const worst = worstUlp(exact, recorded);
    if (TENSOR_TYPES[type].isExact) expect(worst).toBe(0);
    // Not less either: what was recorded has been rounded.
    else expect(worst).toBeGreaterThan(0.4);
    expect(worst).toBeLessThanOrEqual(0.5);
  });

  it('sees a value one bit away, a lost sign of zero and a NaN in the place of a number', () => {
    const { exact, recorded } = vectorsOf('q4_k');
    const finite = exact.findIndex((value) => Math.abs(value) > 1 && Number.isFinite(value));
    const changed = exact.slice();
    changed[finite] = (changed[finite] ?? 0) * (1 + 2 ** -23);
    changed[finite + 1] = Number.NaN;
    expect(differingBits(changed, recorded)).toBe(2);
    expect(differingBits(Float64Array.of(0), Float32Array.of(-0))).toBe(1);
  });

  it('widens f32 without a change: subnormals, zeros of both signs, infinities, NaN', () => {
    const values = Float32Array.of(1e-45, -0, 0, Infinity, -Infinity, Number.NaN, 0.1, -3.4e38);
    expect([...dequantizeExact('f32', new Uint8Array(values.buffer))]).toEqual([...values]);
  });

  /** A block of one type, zero but for what is set. */
  function block(byteLength: number, set: (view: DataView) => void): Uint8Array {
    const view = new DataView(new ArrayBuffer(byteLength));
    set(view);
    return new Uint8Array(view.buffer);
  }

  const [LARGEST, SMALLEST] = [0x7bff, 0x0001]; // 65504 and 2^-24

  it('loses nothing where the largest scale meets the smallest minimum', () => {
    // In units of 2^-24, where the sums are integers of up to 51 bits.
    const inUnits = (value: number | undefined): bigint => BigInt((value ?? Number.NaN) * 2 ** 24);
    const d = 65_504n << 24n;
    const q4_1 = block(20, (view) => {
      view.setUint16(0, LARGEST, true);
      view.setUint16(2, SMALLEST, true);
      view.setUint8(4, 0x0f);
    });
    expect(inUnits(dequantizeExact('q4_1', q4_1)[0])).toBe(d * 15n + 1n);
    const q5_1 = block(24, (view) => {
      view.setUint16(0, LARGEST, true);
      view.setUint16(2, SMALLEST, true);
      view.setUint32(4, 0x8000_0000, true);
      view.setUint8(8 + 15, 0xf0);
    });
    expect(inUnits(dequantizeExact('q5_1', q5_1)[31])).toBe(d * 31n + 1n);
    // Sub-block 0: scale 63, minimum 63.
    const q4_k = block(144, (view) => {
      view.setUint16(0, LARGEST, true);
      view.setUint16(2, SMALLEST, true);
      view.setUint8(4, 63);
      view.setUint8(8, 63);
      view.setUint8(16, 0x0f);
    });
    expect(inUnits(dequantizeExact('q4_k', q4_k)[0])).toBe(d * 63n * 15n - 63n);
    const q5_k = block(176, (view) => {
      view.setUint16(0, LARGEST, true);
      view.setUint16(2, SMALLEST, true);
      view.setUint8(4, 63);
      view.setUint8(8, 63);
      view.setUint8(16, 1);
      view.setUint8(48, 0x0f);
    });
    expect(inUnits(dequantizeExact('q5_k', q5_k)[0])).toBe(d * 63n * 31n - 63n);
  });

  it('refuses an unfinished block', async () => {
    await refusal('E_PARTIAL_BLOCK', () => dequantizeExact('q4_k', new Uint8Array(145)));
  });
});
