// Two ways to transpose a matrix of the bundled trained model, as files given to the real program: the dimensions in
// the header, and the bytes under right dimensions. What the loader sees, what the answer becomes, where the stages
// part. The last tests say what is not seen while loading.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseGguf } from '../../src/engine/formats/gguf.ts';
import { MemoryByteSource } from '../../src/engine/io/byte-source.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson, type Json } from './apr-process.ts';

const folder = await temporaryFolder();
const HEALTHY = fileURLToPath(new URL('../../models/sums-2m/sums-2m.f16.gguf', import.meta.url));
const EMBEDDING = 'token_embd.weight';
const QUESTION = 'What is 17+25?';
const image = await readFile(HEALTHY);
const { tensors } = await parseGguf(new MemoryByteSource(image, HEALTHY));

/** In the header, the two dimensions after the name change places. */
function swapDimensions(bytes: Buffer, name: string): void {
  const at = bytes.indexOf(name) + name.length;
  expect(bytes.readUInt32LE(at)).toBe(2);
  const [first, second] = [bytes.readBigUInt64LE(at + 4), bytes.readBigUInt64LE(at + 12)];
  bytes.writeBigUInt64LE(second, at + 4);
  bytes.writeBigUInt64LE(first, at + 12);
}

/** The f16 values change from row after row to column after column; the header stays. */
function transposeBytes(bytes: Buffer, name: string): void {
  const tensor = tensors.find((candidate) => candidate.name === name);
  const [rows = 0, columns = 0] = tensor?.shape ?? [];
  const data = bytes.subarray(tensor?.byteOffset, (tensor?.byteOffset ?? 0) + 2 * rows * columns);
  const from = Buffer.from(data);
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      data.writeUInt16LE(from.readUInt16LE(2 * (r * columns + c)), 2 * (c * rows + r));
    }
  }
}

async function broken(file: string, ...edits: ((bytes: Buffer) => void)[]): Promise<string> {
  const bytes = Buffer.from(image);
  for (const edit of edits) edit(bytes);
  const path = join(folder, file);
  await writeFile(path, bytes);
  return path;
}

/** Codes of the loader's warnings on stderr. */
function warnings(stderr: string): string[] {
  return [...stderr.matchAll(/^warning \[([A-Z-]+)\]/gm)].map(([, code]) => code ?? '');
}

const answer = (model: string) => apr(['run', model, QUESTION, '--max-tokens', '12', '--temperature', '0']);

test('the healthy file opens without a warning and answers', async () => {
  const { stdout, stderr } = await answer(HEALTHY);
  expect({ stdout, warnings: warnings(stderr) }).toEqual({ stdout: '42', warnings: [] });
});

describe('the embedding, 768 × 256', () => {
  test('with swapped dimensions: the loader warns, reads what the config says, and the answer is right', async () => {
    const model = await broken('dims.gguf', (bytes) => swapDimensions(bytes, EMBEDDING));
    const { stdout, stderr } = await answer(model);
    expect({ stdout, warnings: warnings(stderr) }).toEqual({ stdout: '42', warnings: ['LAYOUT-TRANSPOSED'] });
    expect(stderr).toContain(`shapes: ${tensors.length - 1} of ${tensors.length} tensors fit the config`);
    const { json } = await aprJson(['inspect', model]);
    expect((json['notices'] as Json[])[0]).toMatchObject({ severity: 'warning', code: 'LAYOUT-TRANSPOSED' });
  });

  test('with transposed bytes: the text is garbage, and the loader says why', async () => {
    const model = await broken('bytes.gguf', (bytes) => transposeBytes(bytes, EMBEDDING));
    const { stdout, stderr } = await answer(model);
    expect(stdout).not.toContain('42');
    expect(warnings(stderr)).toEqual(['LAYOUT-BYTES-TRANSPOSED']);
    const { stdout: trace, stderr: traceLog } = await apr(['trace', model, QUESTION, '--payload', '--layers', '0']);
    expect(trace).toContain('embedding');
    expect(warnings(traceLog)).toEqual(['LAYOUT-BYTES-TRANSPOSED']);
  });

  test('with both, as a converter without a transposition writes it: both are said', async () => {
    const model = await broken(
      'both.gguf',
      (bytes) => transposeBytes(bytes, EMBEDDING),
      (bytes) => swapDimensions(bytes, EMBEDDING),
    );
    const { stdout, stderr } = await answer(model);
    expect(stdout).not.toContain('42');
    expect(warnings(stderr)).toEqual(['LAYOUT-TRANSPOSED', 'LAYOUT-BYTES-TRANSPOSED']);
  });
});

describe('not seen while loading: transposed bytes of', () => {
  test.each([
    ['a rectangular matrix inside a layer', 'blk.1.ffn_up.weight', 'layer-1/ffn_up'],
    ['a square one', 'blk.1.attn_q.weight', 'layer-1/qkv_matmul'],
  ])('%s; two captures part at its stage, two models at its values', async (_, name, stage) => {
    const model = await broken('inside.gguf', (bytes) => transposeBytes(bytes, name));
    const { stdout, stderr } = await answer(model);
    expect(stdout).not.toBe('42');
    expect(warnings(stderr)).toEqual([]);

    const [a, b] = [join(folder, `${name}-a`), join(folder, `${name}-b`)];
    for (const [file, into] of [
      [HEALTHY, a],
      [model, b],
    ] as const) {
      await apr(['trace', file, QUESTION, '--save-tensor', 'all', '--save-tensor-dir', into]);
    }
    const { json } = await aprJson(['diff', a, b]);
    expect(json['firstDifference']).toBe(stage);
    const models = await apr(['diff', HEALTHY, model, '--values']);
    expect(models.exitCode).toBe(1);
    expect(models.stdout).toContain(name);
  });
});
