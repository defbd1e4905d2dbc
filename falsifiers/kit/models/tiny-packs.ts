// The packs of models/tiny: what Transformers computed on an untrained model, in float64, unrounded. Read with nothing of
// the product.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseSafetensorsFile, valuesOf } from './safetensors.ts';

export interface TinyPack {
  manifest: {
    producer: { name: string; version: string; dtype: string };
    model: { name: string; sha256: string; architecture: string };
    tokens: number[];
  };
  /** Of the pack's file. */
  digest: string;
  /** By stage path, `layer-0/attn_norm` or `lm_head`. */
  stages: ReadonlyMap<string, { values: Float64Array; shape: readonly number[] }>;
}

export async function readTinyPack(path: string): Promise<TinyPack> {
  const file = await readFile(path);
  const { tensors, metadata } = parseSafetensorsFile(file);
  const manifest = JSON.parse(metadata['manifest'] ?? 'null') as TinyPack['manifest'];
  const stages = new Map(
    [...tensors].map(([name, tensor]) => [name, { values: valuesOf(tensor), shape: tensor.shape }]),
  );
  return { manifest, digest: createHash('sha256').update(file).digest('hex'), stages };
}

/** Largest |a − b| over the largest |b|; NaN where either side has one, or the lengths differ. */
export function relativeError(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.NaN;
  let [worst, largest] = [0, 0];
  for (let i = 0; i < theirs.length; i += 1) {
    // Math.max keeps a NaN, which a comparison would lose at the next element.
    worst = Math.max(worst, Math.abs((ours[i] ?? Number.NaN) - (theirs[i] ?? Number.NaN)));
    largest = Math.max(largest, Math.abs(theirs[i] ?? Number.NaN));
  }
  return worst === 0 ? 0 : worst / largest;
}
