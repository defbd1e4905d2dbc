// Files that were chosen in a page: read by slices, listed as folders are, and a model in them is the model on the disk.
import { openAsBlob, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findVouchers } from '../../../src/diagnosis/index.ts';
import { chosenFiles, type ChosenFile } from '../../../src/engine/io/chosen-files.ts';
import { openModel, openModelFrom } from '../../../src/engine/model/open-model.ts';
import { refusal } from '../../fixtures/refusal.ts';

const root = new URL('../../../models/', import.meta.url).pathname;

async function chosenFolder(folder: string): Promise<ChosenFile[]> {
  const entries = readdirSync(root + folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`);
  return Promise.all(paths.map(async (path) => ({ path: path.slice(root.length), blob: await openAsBlob(path) })));
}

/** Counts how large a part is asked for at once. */
class WatchedBlob extends Blob {
  largest = 0;
  override slice(start = 0, end = this.size): Blob {
    this.largest = Math.max(this.largest, end - start);
    return super.slice(start, end);
  }
}

describe('a chosen file', () => {
  const MIB = 2 ** 20;
  const bytes = Uint8Array.from({ length: 40 * MIB + 5 }, (_, i) => (i * 31 + (i >> 12)) & 255);

  it('is read by slices, whatever is asked for, and every slice is told', async () => {
    const blob = new WatchedBlob([bytes]);
    let read = 0;
    const source = await chosenFiles([{ path: 'a.bin', blob }], (byteLength) => (read += byteLength)).open('a.bin');
    const into = new Uint8Array(40 * MIB);
    await source.read(3, into);
    expect(Buffer.compare(into, bytes.subarray(3, 3 + into.length))).toBe(0);
    expect(read).toBe(into.length);
    expect(blob.largest).toBeLessThanOrEqual(16 * MIB);
  });

  it('refuses what is beyond its end, and everything once it is closed', async () => {
    const source = await chosenFiles([{ path: 'a.bin', blob: new Blob([bytes.slice(0, 10)]) }]).open('./a.bin');
    await refusal('E_FILE_SHORT_READ', () => source.read(6, new Uint8Array(5)));
    await source.close();
    await refusal('E_FILE_CLOSED', () => source.read(0, new Uint8Array(1)));
  });

  it('says so where the browser does not give its bytes any more', async () => {
    const gone = Object.assign(new Blob(['ab']), {
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }),
    });
    const source = await chosenFiles([{ path: 'a.bin', blob: gone }]).open('a.bin');
    await refusal('E_FILE_READ', () => source.read(0, new Uint8Array(1)));
  });
});

describe('chosen files', () => {
  const blob = new Blob(['x']);
  const files = chosenFiles(['m/b', 'm/a', 'm/in/c', 'top'].map((path) => ({ path, blob })));

  it('are listed by folder, in order', async () => {
    expect(await files.list('m')).toEqual(['a', 'b', 'in']);
    expect(await files.list('m/in/')).toEqual(['c']);
    expect(await files.list('')).toEqual(['m', 'top']);
    expect(await files.list('m/a')).toBe(null);
  });

  it('have paths with slashes', async () => {
    expect([await files.pathIn('m/in', 'c'), await files.pathIn('', 'top')]).toEqual(['m/in/c', 'top']);
    expect(await files.split('m/in/c')).toEqual({ folder: 'm/in', name: 'c' });
    expect(await files.split('top')).toEqual({ folder: '', name: 'top' });
  });

  it('are all that there is', async () => {
    await refusal('E_FILE_DIRECTORY', () => files.open('m/in'));
    await refusal('E_FILE_MISSING', () => files.open('m/d'));
    await refusal('E_FILE_MISSING', () => files.list('n'));
  });
});

describe('a model among chosen files', () => {
  it.each(['sums-2m/hf', 'sums-2m/sums-2m.q4_k_m.gguf', 'tiny/qwen3/hf'])('is that of the disk: %s', async (path) => {
    const model = await openModelFrom(
      chosenFiles(
        await chosenFolder(
          path
            .split('/')
            .slice(0, 2)
            .join('/')
            .replace(/\/[^/]+\.gguf$/, ''),
        ),
      ),
      path,
    );
    const onDisk = await openModel(root + path);
    expect(model.program).toEqual(onDisk.program);
    expect(model.tensors.map(({ name, byteLength }) => [name, byteLength])).toEqual(
      onDisk.tensors.map(({ name, byteLength }) => [name, byteLength]),
    );
    expect(model.notices).toEqual(onDisk.notices);
    const steps: number[] = [];
    expect(await model.sha256((done, total) => steps.push(done / total))).toBe(await onDisk.sha256());
    expect(steps.at(-1)).toBe(1);
    await model.close();
    await onDisk.close();
  });

  it('is vouched for by the packs and the unquantised model beside it', async () => {
    const model = await openModelFrom(chosenFiles(await chosenFolder('sums-2m')), 'sums-2m/sums-2m.q4_k_m.gguf');
    const vouchers = await findVouchers(model, undefined, null, () => {});
    expect(vouchers.packs.length).toBeGreaterThan(0);
    expect(vouchers.unquantized?.path).toBe('sums-2m/sums-2m.f16.gguf');
    await vouchers.close();
    await model.close();
  });

  it('lacks its other files where it was chosen alone', async () => {
    const blob = await openAsBlob(`${root}sums-2m/hf/model.safetensors`);
    const files = chosenFiles([{ path: 'model.safetensors', blob }]);
    await refusal('E_FOLDER_NO_CONFIG', () => openModelFrom(files, 'model.safetensors'));
  });
});
