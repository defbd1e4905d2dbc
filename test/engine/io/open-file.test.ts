import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { openFile } from '../../../src/engine/io/open-file.ts';
import { sha256Bytes, sha256File } from '../../../src/engine/io/sha256.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const bytes = Uint8Array.from({ length: 1_000 }, (_, i) => i % 251);

describe('openFile', () => {
  it('reads any range, and the same bytes as a source in memory', async () => {
    const path = join(folder, 'plain');
    await writeFile(path, bytes);
    for (const source of [await openFile(path), new MemoryByteSource(bytes)]) {
      expect(source.byteLength).toBe(1_000);
      for (const [at, length] of [
        [0, 0],
        [0, 1],
        [999, 1],
        [1_000, 0],
        [17, 900],
      ] as const) {
        const into = new Uint8Array(length);
        await source.read(at, into);
        expect(into).toEqual(bytes.subarray(at, at + length));
      }
      await refusal('E_FILE_SHORT_READ', () => source.read(999, new Uint8Array(2)));
      await refusal('E_FILE_SHORT_READ', () => source.read(-1, new Uint8Array(1)));
      await refusal('E_FILE_SHORT_READ', () => source.read(0.5, new Uint8Array(1)));
      await source.close();
      await source.close();
      await refusal('E_FILE_CLOSED', () => source.read(0, new Uint8Array(1)));
    }
  });

  it('reads past 4 GiB', async () => {
    const path = join(folder, 'sparse');
    const handle = await open(path, 'w');
    const at = 2 ** 32 + 12_345;
    await handle.write(bytes, 0, bytes.byteLength, at);
    await handle.close();
    const source = await openFile(path);
    expect(source.byteLength).toBe(at + 1_000);
    const into = new Uint8Array(10);
    await source.read(at + 990, into);
    expect(into).toEqual(bytes.subarray(990));
    await source.close();
  });

  it('tells a file that shrank while it was open', async () => {
    const path = join(folder, 'shrinks');
    await writeFile(path, bytes);
    const source = await openFile(path);
    await truncate(path, 100);
    await refusal('E_FILE_SHORT_READ', () => source.read(50, new Uint8Array(100)));
    await source.close();
  });

  it('names what is wrong with a path', async () => {
    await writeFile(join(folder, 'file'), 'x');
    const missing = await refusal('E_FILE_MISSING', () => openFile(join(folder, 'absent')));
    expect(missing.message).toBe(`${join(folder, 'absent')}: there is no such file.`);
    await refusal('E_FILE_MISSING', () => openFile(join(folder, 'file', 'below')));
    await refusal('E_FILE_MISSING', () => openFile(''));
    await refusal('E_FILE_PATH', () => openFile('a\0b'));
    await refusal('E_FILE_PATH', () => openFile(join(folder, 'x'.repeat(300))));
    await mkdir(join(folder, 'sub'));
    await refusal('E_FILE_DIRECTORY', () => openFile(join(folder, 'sub')));
  });

  it.skipIf(process.platform === 'win32')('refuses a pipe instead of waiting for its writer', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await refusal('E_FILE_KIND', () => openFile(join(folder, 'pipe')));
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('names a missing permission', async () => {
    const path = join(folder, 'secret');
    await writeFile(path, 'x');
    await chmod(path, 0);
    await refusal('E_FILE_PERMISSION', () => openFile(path));
  });
});

describe('sha256', () => {
  it('is that of the standard, streamed or in parts', async () => {
    const path = join(folder, 'abc');
    await writeFile(path, 'abc');
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await sha256File(path)).toBe(abc);
    expect(await sha256Bytes(new TextEncoder().encode('a'), new TextEncoder().encode('bc'))).toBe(abc);
    await writeFile(path, '');
    expect(await sha256File(path)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('covers every chunk of a longer file', async () => {
    const path = join(folder, 'long');
    const long = new Uint8Array(2 ** 22 + 17).map((_, i) => i % 249);
    await writeFile(path, long);
    expect(await sha256File(path)).toBe(await sha256Bytes(long));
  });
});
