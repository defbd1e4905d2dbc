// apr tensors, as a process, on tiny generated models.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeGguf } from '../fixtures/gguf.ts';
import { tinyGguf, tinyImage } from '../fixtures/tiny-model.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson } from './apr-process.ts';

const folder = await temporaryFolder();
const model = join(folder, 'tiny.gguf');
await writeFile(model, tinyGguf());

test('lists every tensor with both orders of its dimensions', async () => {
  const { said, json } = await aprJson(['tensors', model]);
  expect(said).toMatchObject({ exitCode: 0, stderr: '' });
  expect(json).toMatchObject({ schemaVersion: 1, tensorCount: 21, matchingCount: 21 });
  expect(json['tensors']).toContainEqual(
    expect.objectContaining({
      name: 'blk.1.ffn_down.weight',
      type: 'f32',
      shape: [32, 96],
      ggufDimensions: [96, 32],
      byteLength: 32 * 96 * 4,
    }),
  );
});

test('a filter and a limit say what they left out', async () => {
  const { exitCode, stdout } = await apr(['tensors', model, '--filter', 'norm', '--limit', '2']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('… and 3 more whose name contains "norm" (--limit 5 lists all)');
  expect(stdout).not.toContain('ffn_up');
});

test('a filter that selects nothing declines', async () => {
  const { exitCode, stdout } = await apr(['tensors', model, '--filter', 'nowhere']);
  expect(exitCode).toBe(2);
  expect(stdout).toContain('declined: no tensor whose name contains "nowhere"');
});

test('statistics count NaN, infinities and zeros, and leave them out of the mean', async () => {
  const image = tinyImage();
  const values = Float32Array.of(NaN, Infinity, -Infinity, 0, -0, 3, ...Array.from({ length: 26 }, () => 1));
  const tensors = image.tensors.map((tensor) =>
    tensor.name === 'output_norm.weight' ? { ...tensor, data: new Uint8Array(values.buffer) } : tensor,
  );
  const path = join(folder, 'nan.gguf');
  await writeFile(path, encodeGguf({ ...image, tensors }));
  const { json } = await aprJson(['tensors', path, '--filter', 'output_norm', '--stats']);
  expect(json['tensors']).toMatchObject([
    {
      name: 'output_norm.weight',
      statistics: { nanCount: 1, infCount: 2, zeroCount: 2, min: '-Infinity', max: 'Infinity', mean: 1 },
    },
  ]);
});

test.each([
  ['a missing file', ['tensors', '/nowhere/x.gguf'], 'E_FILE_MISSING'],
  ['a wrong count', ['tensors', 'x.gguf', '--limit', '-1'], '"-1" is not a whole number from 0'],
])('%s is an error with exit 3', async (_, args, words) => {
  const { exitCode, stdout, stderr } = await apr(args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  expect(stderr).toContain(words);
});

test('a file cut short is an error that says so', async () => {
  const path = join(folder, 'cut.gguf');
  await writeFile(path, tinyGguf().subarray(0, 60_000));
  const { exitCode, stderr } = await apr(['tensors', path]);
  expect(exitCode).toBe(3);
  expect(stderr).toContain('E_GGUF_TENSOR_PAST_END');
});

test('colour appears only where it is wanted', async () => {
  const plain = await apr(['tensors', model, '--limit', '1'], { NO_COLOR: '1' });
  expect(plain.stdout).not.toContain('\u001B');
  const coloured = await apr(['tensors', model, '--limit', '1'], { FORCE_COLOR: '1' });
  expect(coloured.stdout).toContain('\u001B');
});
