// GGUF models in several files: from any of them as one model, or refused by name.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { openModel, openModelSource } from '../../../src/engine/model/open-model.ts';
import type { Model } from '../../../src/engine/model/model.ts';
import { encodeGguf, ggufEntry, type GgufImage } from '../../fixtures/gguf.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyImage } from '../../fixtures/tiny-model.ts';

const scratch = await temporaryFolder();
let folderCount = 0;
const whole = tinyImage();
const total = whole.tensors.length;

const nameOf = (no: number, count: number): string =>
  `tiny-${String(no + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.gguf`;

interface Change {
  entries?: GgufImage['entries'];
  tensors?: GgufImage['tensors'];
  name?: string | null;
}

/** The model cut before the tensors `cuts`, written as its files; `changes` by number of the file. */
async function splitAt(cuts: readonly number[], changes: Record<number, Change> = {}): Promise<(no: number) => string> {
  const folder = join(scratch, String(folderCount++));
  await mkdir(folder);
  const bounds = [0, ...cuts, total];
  const count = bounds.length - 1;
  for (let no = 0; no < count; no += 1) {
    const { name = nameOf(no, count), ...change } = changes[no] ?? {};
    if (name === null) continue;
    const image = {
      entries: [...(no === 0 ? whole.entries : []), ...splitEntries(no, count)],
      tensors: whole.tensors.slice(bounds[no], bounds[no + 1]),
      ...change,
    };
    await writeFile(join(folder, name), encodeGguf(image));
  }
  return (no) => join(folder, changes[no]?.name ?? nameOf(no, count));
}

function splitEntries(no: number, count: number, tensors = total): GgufImage['entries'] {
  return [
    ggufEntry('split.no', 'u16', no),
    ggufEntry('split.count', 'u16', count),
    ggufEntry('split.tensors.count', 'i32', tensors),
  ];
}

async function bytesOf({ program, weights }: Model): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for (const { name } of program.weights) {
    const bytes = new Uint8Array(weights.info(name)?.byteLength ?? 0);
    await weights.read(name, 0, bytes);
    all.push(bytes);
  }
  return all;
}

describe('a split GGUF model', () => {
  it('is the model of one file, cut anywhere, opened from any file', async () => {
    const one = await openModelSource(new MemoryByteSource(encodeGguf(whole)));
    const expected = await bytesOf(one);
    const cuts = fc.array(fc.nat(total), { minLength: 1, maxLength: 4 }).map((list) => list.toSorted((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(cuts, fc.nat(), async (at, pick) => {
        const pathOf = await splitAt(at);
        const opened = pathOf(pick % (at.length + 1));
        const model = await openModel(opened);
        expect(model.path).toBe(opened);
        expect(model.entryPath).toBe(pathOf(0));
        expect(model.program).toEqual(one.program);
        expect(await bytesOf(model)).toEqual(expected);
        expect(model.notices).toEqual(one.notices);
        await model.close();
      }),
      { numRuns: 20 },
    );
    await one.close();
  });

  it('may have a first file without tensors, and is found in its folder beside another model', async () => {
    const first = (await splitAt([0, 3]))(0);
    await writeFile(join(first, '..', 'zz.gguf'), encodeGguf(whole));
    const model = await openModel(join(first, '..'));
    expect(model.tensors.map(({ file }) => file)).toContain(nameOf(2, 3));
    expect(model.notices.map(({ message }) => message)).toContainEqual(
      'the folder holds 4 GGUF files: "tiny-00001-of-00003.gguf" with the other files of its split is read, "zz.gguf" not.',
    );
    await model.close();
  });

  it('has one digest, whichever file is opened', async () => {
    const pathOf = await splitAt([2, 5]);
    const digests = [0, 1, 2].map(async (no) => {
      const model = await openModel(pathOf(no));
      const digest = await model.sha256();
      await model.close();
      return digest;
    });
    const [first, ...others] = await Promise.all(digests);
    expect(first).toMatch(/^[\da-f]{64}$/);
    expect(others).toEqual([first, first]);
  });

  it('says which metadata of a later file does not count', async () => {
    const entries = [...splitEntries(1, 2), ggufEntry('llama.rope.freq_base', 'f32', 5)];
    const model = await openModel((await splitAt([4], { 1: { entries } }))(0));
    expect(model.notices.map(({ code }) => code)).toContain('SPLIT-METADATA');
    await model.close();
  });

  it('may leave the number of tensors out of later files, and is a whole model where it counts one file', async () => {
    const entries = splitEntries(1, 2).slice(0, 2);
    await (await openModel((await splitAt([4], { 1: { entries } }))(1))).close();
    const image = { ...whole, entries: [...whole.entries, ggufEntry('split.count', 'u16', 1)] };
    await (await openModelSource(new MemoryByteSource(encodeGguf(image)))).close();
  });

  it.each<[what: string, code: string, open: number, changes: Record<number, Change>, said: RegExp]>([
    ['with a missing file', 'E_GGUF_SPLIT_MISSING', 0, { 1: { name: null } }, /"tiny-00002-of-00003.gguf" of 3 files/],
    [
      'opened by a file under another name',
      'E_GGUF_SPLIT_NAME',
      0,
      { 0: { name: 'my.gguf' } },
      /-00001-of-00003\.gguf/,
    ],
    [
      'with a file of another place',
      'E_GGUF_SPLIT_FOREIGN',
      0,
      { 1: { entries: splitEntries(2, 3) } },
      /00002-of-00003\.gguf: split.no is 2; beside "tiny-00001-of-00003.gguf" it must be 1/,
    ],
    [
      'with a file of another split',
      'E_GGUF_SPLIT_FOREIGN',
      0,
      { 2: { entries: splitEntries(2, 4) } },
      /00003-of-00003\.gguf: split.count is 4/,
    ],
    [
      'with a file of another size',
      'E_GGUF_SPLIT_FOREIGN',
      1,
      { 1: { entries: splitEntries(1, 3, 7) } },
      /00002-of.*split.tensors.count is 7/,
    ],
    ['with a whole model among the files', 'E_GGUF_SPLIT_FOREIGN', 0, { 1: { entries: [] } }, /split.no is absent/],
    [
      'with a file of another architecture',
      'E_GGUF_SPLIT_FOREIGN',
      0,
      { 1: { entries: [...splitEntries(1, 3), ggufEntry('general.architecture', 'string', 'qwen2')] } },
      /general.architecture is "qwen2"/,
    ],
    [
      'with a tensor in two files',
      'E_GGUF_DUPLICATE_TENSOR',
      0,
      { 2: { tensors: whole.tensors.slice(3) } },
      /"blk\.0\.attn_k\.weight" is also in "tiny-00002/,
    ],
    ['with too few tensors', 'E_GGUF_SPLIT_TENSORS', 0, { 2: { tensors: whole.tensors.slice(7) } }, /says 21/],
    [
      'without the number of tensors',
      'E_GGUF_SPLIT_KEY',
      2,
      { 0: { entries: [...whole.entries, ...splitEntries(0, 3).slice(0, 2)] } },
      /split.tensors.count/,
    ],
  ])('is refused %s', async (_, code, open, changes, said) => {
    const pathOf = await splitAt([3, 6], changes);
    const error = await refusal(code, () => openModel(pathOf(open)));
    expect(error.message).toMatch(said);
  });

  it('is refused where the count is no number, and from bytes that have no folder', async () => {
    const count = { ...whole, entries: [...whole.entries, ggufEntry('split.count', 'string', '2')] };
    await refusal('E_GGUF_SPLIT_KEY', () => openModelSource(new MemoryByteSource(encodeGguf(count))));
    const first = { ...whole, entries: [...whole.entries, ...splitEntries(0, 2)] };
    await refusal('E_GGUF_SPLIT_NAME', () => openModelSource(new MemoryByteSource(encodeGguf(first))));
  });
});
