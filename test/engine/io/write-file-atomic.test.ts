import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AtomicFile } from '../../../src/engine/io/atomic-file.ts';
import { writeFileAtomic } from '../../../src/engine/io/write-file-atomic.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();

describe('writeFileAtomic', () => {
  it('writes text, bytes and pieces, making folders', async () => {
    const path = join(folder, 'new', 'deep', 'file');
    await writeFileAtomic(path, 'h\u00e9');
    expect(await readFile(path)).toEqual(Buffer.from([0x68, 0xc3, 0xa9]));
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    await writeFileAtomic(path, [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]);
    expect(await readFile(path)).toEqual(Buffer.from([1, 2, 3]));
    await writeFileAtomic(path, []);
    expect(await readFile(path)).toHaveLength(0);
    expect(await readdir(join(folder, 'new', 'deep'))).toEqual(['file']);
  });

  it('leaves the old file and no temporary one when the content breaks off', async () => {
    const path = join(folder, 'kept');
    await writeFileAtomic(path, 'old');
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error('source gone');
    }
    await expect(writeFileAtomic(path, breaking())).rejects.toThrow('source gone');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('shows the old file until the commit', async () => {
    const path = join(folder, 'growing');
    await writeFileAtomic(path, 'old');
    const file = await AtomicFile.create(path);
    await file.append(Buffer.from('ne'));
    expect(await readFile(path, 'utf8')).toBe('old');
    await file.append(Buffer.from('w'));
    await file.commit({ isDurable: false });
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it('keeps two writers of one path apart', async () => {
    const path = join(folder, 'raced');
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
    expect(contents).toContain(await readFile(path, 'utf8'));
  });

  it('leaves the whole old or the whole new file when the process is killed', async () => {
    const path = join(folder, 'killed', 'file');
    const module = new URL('../../../src/engine/io/write-file-atomic.ts', import.meta.url).href;
    const script = `
      import { writeFileAtomic } from ${JSON.stringify(module)};
      for (let i = 0; ; i = 1 - i) {
        await writeFileAtomic(${JSON.stringify(path)}, String(i).repeat(3_000_000));
        if (i === 0) console.log('written');
      }`;
    for (const delayMs of [0, 3, 11]) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await setTimeout(delayMs);
      child.kill('SIGKILL');
      await once(child, 'close');
      const content = await readFile(path, 'utf8');
      expect(content).toHaveLength(3_000_000);
      expect(new Set(content).size).toBe(1);
    }
  });

  it('takes a name as long as the file system does', async () => {
    const path = join(folder, 'n'.repeat(255));
    await writeFileAtomic(path, 'x');
    expect(await readFile(path, 'utf8')).toBe('x');
  });

  it.skipIf(process.platform === 'win32')('keeps a symbolic link and the mode of its target', async () => {
    await mkdir(join(folder, 'linked'));
    const [target, link] = [join(folder, 'linked', 'target'), join(folder, 'link')];
    await writeFile(target, 'old');
    await chmod(target, 0o640);
    await symlink(target, link);
    await writeFileAtomic(link, 'new');
    expect(await readlink(link)).toBe(target);
    expect(await readFile(target, 'utf8')).toBe('new');
    expect((await stat(target)).mode & 0o777).toBe(0o640);
  });

  // Windows has neither of them at these places.
  it.skipIf(process.platform === 'win32')('puts nothing in the place of a device or a pipe', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of ['/dev/null', pipe]) {
      await refusal('E_FILE_KIND', () => writeFileAtomic(path, 'x'));
      expect((await lstat(path)).isFile()).toBe(false);
    }
    expect(await readdir(folder)).toEqual(expect.not.arrayContaining([expect.stringContaining('.tmp')]));
  });

  it.skipIf(process.platform !== 'linux')('ends where no folder can be made', async () => {
    await refusal('E_FILE_MISSING', () => writeFileAtomic('/proc/no-such/a/b.txt', 'x'));
  });

  it('names what is wrong with a target', async () => {
    await mkdir(join(folder, 'occupied'));
    await refusal('E_FILE_DIRECTORY', () => writeFileAtomic(join(folder, 'occupied'), 'x'));
    await writeFile(join(folder, 'file'), 'x');
    await refusal('E_FILE_MISSING', () => writeFileAtomic(join(folder, 'file', 'below'), 'x'));
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
