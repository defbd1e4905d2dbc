// The reference packs of the bundled model: every stage as Transformers computed it, written by Python. Read here with
// nothing of the product, so that a pack can judge the product's own reader too.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';

export interface PackManifest {
  producer: { name: string; version: string; dtype: string };
  model: { name: string; sha256: string };
  tokens: number[];
  prompt: string | null;
  chatTemplateApplied: boolean;
  files: Record<string, { stage: string; layer: number | null; shape: number[]; sha256: string }>;
}

/** Pinned by its digest, and named as the oracle. @param folder below the project root */
export async function readPackManifest(context: PartContext, folder: string): Promise<PackManifest> {
  const { manifest, digest } = await readManifest(context, folder);
  const { name, version, dtype } = manifest.producer;
  context.oracle({ name: `${name} ${dtype}`, version, digest });
  return manifest;
}

/** Pinned by its digest: where a pack gives inputs and judges nothing. @param folder below the project root */
export async function readManifest(
  context: PartContext,
  folder: string,
): Promise<{ manifest: PackManifest; digest: string }> {
  const text = await readFile(context.data(`${folder}/manifest.json`), 'utf8');
  return { manifest: JSON.parse(text) as PackManifest, digest: createHash('sha256').update(text).digest('hex') };
}

/** The values of one stage, checked against the manifest's digest; the digest is what the receipt hangs on. */
export async function readPackStage(
  context: PartContext,
  folder: string,
  manifest: PackManifest,
  path: string,
): Promise<Float32Array> {
  const bytes = await readFile(context.data(`${folder}/${path}`));
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== manifest.files[path]?.sha256) throw new Error(`${folder}/${path} is not what its manifest says`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: (bytes.length - 12) / 4 }, (_, i) => view.getFloat32(12 + 4 * i, true));
}
