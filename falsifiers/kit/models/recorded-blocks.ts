// Blocks and what an independent implementation (PyPI gguf) made of them: falsifiers/vectors/quant-decode, a type's own
// files and no other's.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TensorType } from '../../../src/engine/formats/tensor-types/tensor-type.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';

interface Record {
  producer: { name: string; version: string };
  ggmlId: number;
  blockElements: number;
  blockBytes: number;
}

/** Names the oracle. @throws Error where the recorded sizes or number of the type are not ours */
export async function recordedBlocks(
  context: PartContext,
  { label, ggmlId, blockElements, blockBytes }: TensorType,
): Promise<{ blocks: Uint8Array; values: Float32Array }> {
  const stem = `falsifiers/vectors/quant-decode/${label.toUpperCase()}`;
  const record = JSON.parse(await readFile(context.data(`${stem}.json`), 'utf8')) as Record;
  const theirs = [record.ggmlId, record.blockElements, record.blockBytes].join();
  if (theirs !== [ggmlId, blockElements, blockBytes].join()) throw new Error(`${stem}.json: another type, ${theirs}`);
  const values = new Uint8Array(await readFile(context.data(`${stem}.f32.bin`)));
  const { name, version } = record.producer;
  context.oracle({ name, version, digest: createHash('sha256').update(values).digest('hex') });
  return { blocks: new Uint8Array(await readFile(context.data(`${stem}.blocks.bin`))), values: new Float32Array(values.buffer) };
}
