import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeGguf } from '../../fixtures/gguf.ts';
import { DISK } from '../../../src/engine/io/disk.ts';
import { parseGguf } from '../../../src/engine/formats/gguf.ts';
import { readGgufFile } from '../../../src/engine/model/open-model-gguf.ts';
import { openFile } from '../../../src/engine/io/open-file.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();

describe('StoredWeights of a GGUF file', () => {
  it('reads tensors that lie past 4 GiB, and ranges past 2 GiB within one', async () => {
    const [rows, columns] = [2 ** 15 + 1, 2 ** 15];
    const behindAt = 4 * rows * columns;
    const data = new Uint8Array();
    const header = encodeGguf({
      entries: [],
      tensors: [
        { name: 'large', type: 'f32', shape: [rows, columns], data },
        { name: 'behind', type: 'f32', shape: [4], data, byteOffset: behindAt },
      ],
    });
    expect(behindAt).toBeGreaterThan(2 ** 32);
    // Sparse: the file takes a few kilobytes of disk.
    const path = join(folder, 'sparse.gguf');
    const handle = await open(path, 'w');
    await handle.write(header);
    const marks = Float32Array.of(1, 2, 3, 4);
    await handle.write(new Uint8Array(marks.buffer), 0, 16, header.byteLength + behindAt);
    await handle.write(new Uint8Array(marks.buffer), 0, 16, header.byteLength + 2 ** 31);
    await handle.close();

    const source = await openFile(path);
    const file = await parseGguf(source);
    expect(file.dataOffset).toBe(header.byteLength);
    const weights = (await readGgufFile(DISK, source)).weights;
    for (const [name, byteOffset] of [
      ['behind', 0],
      ['large', 2 ** 31],
    ] as const) {
      const bytes = new Uint8Array(16);
      await weights.read(name, byteOffset, bytes);
      expect([...new Float32Array(bytes.buffer)]).toEqual([1, 2, 3, 4]);
    }
    await source.close();
  });
});
