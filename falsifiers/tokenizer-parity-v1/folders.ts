// Folders with a tokenizer.json: the product beside what the `tokenizers` library recorded, and beside plain code that
// says what each component does. One measurement is one string or one list of ids: 0 where the answer is the same.
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { DISK } from '../../src/engine/io/disk.ts';
import { createTextModel } from '../../src/engine/text/create-text-model.ts';
import { readHfTokenizer } from '../../src/engine/text/hf-tokenizer.ts';
import type { TextModel } from '../../src/engine/text/text-model.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import * as checks from './checks.ts';
import { slowDecode, slowEncode, type SlowFolder } from './slow-folder.ts';
import { slowFolder } from './slow-folder-arbitrary.ts';
import { hostileText } from './strings.ts';

/** Recorded files, and strings and lists of ids of each. */
const FILES = 200;
const TEXTS = 8;
const LISTS = 6;
const REFUSED = 40;
/** Files that are also put to the program. */
const FILES_BY_PROGRAM = 5;
/** Strings of the corpus that are Unicode. */
const CORPUS = 544;

export const RECORDED_TEXTS: number = FILES * TEXTS * 3 + REFUSED;
export const RECORDED_LISTS: number = FILES * LISTS * 4;
export const TEXTS_BY_PROGRAM: number = CORPUS + FILES_BY_PROGRAM * TEXTS;
export const LISTS_BY_PROGRAM: number = FILES_BY_PROGRAM * LISTS;

interface RecordedFile {
  base: string;
  tokens: string[];
  json: { model: object };
  /** Text, its ids, the ids with special tokens as text and the ids with the post-processor's where they differ. */
  texts: [text: string, parsed: number[], plain: number[] | null, full: number[] | null][];
  /** Ids, their text without special tokens, and with them where that differs. */
  decoded: [ids: number[], text: string, kept: string | null][];
}

interface Recorded {
  producer: { name: string; version: string };
  bases: Record<string, string[]>;
  /** Ids of the corpus on the bundled folder, by the id of the string. */
  bundled: Record<string, number[]>;
  refused: RecordedFile[];
  files: RecordedFile[];
}

async function readRecorded(context: PartContext): Promise<Recorded> {
  const recorded = await checks.readJson<Recorded>(context, `${checks.VECTORS}/tokenizer-json.json`);
  context.oracle({ name: recorded.producer.name, version: recorded.producer.version, digest: '' });
  return recorded;
}

/** tokenizer.json as it would stand in a folder. */
function jsonOf({ bases }: Recorded, { base, tokens, json }: RecordedFile): string {
  const all = [...(bases[base] ?? []), ...tokens];
  const vocab = Object.fromEntries(all.map((token, id) => [token, id]));
  return JSON.stringify({ ...json, model: { ...json.model, vocab } });
}

/** The tokenizer of a folder, read as the product reads it. */
async function openFolder(folder: string, json: string): Promise<TextModel> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer.json'), json);
  const of = { files: DISK, folder, names: ['tokenizer.json'], config: new Map(), generation: new Map() };
  const { keys, tokenizer } = await readHfTokenizer(of);
  return createTextModel(keys, () => {}, { tokenizer });
}

/** What an error stands for: an answer that no list equals. */
function idsOf(encode: () => number[]): number[] {
  try {
    return encode();
  } catch {
    return [-1];
  }
}

/** Strings of recorded files, with special tokens parsed, as text, and within the post-processor's; refused files. */
export async function compareIds(context: PartContext): Promise<void> {
  const recorded = await readRecorded(context);
  for (const [i, file] of recorded.files.entries()) {
    const model = await openFolder(join(context.folder, 'recorded'), jsonOf(recorded, file));
    for (const [text, parsed, plain, full] of file.texts) {
      const ids = idsOf(() => model.encode(text, { parseSpecial: true, addBos: false }));
      const asText = idsOf(() => model.encode(text, { parseSpecial: false, addBos: false }));
      const framed = [...(model.frame?.before ?? []), ...ids, ...(model.frame?.after ?? [])];
      const place = `file ${i}, ${JSON.stringify(text)}`;
      context.measure(checks.differs(ids, parsed), `${place}, special tokens parsed`);
      context.measure(checks.differs(asText, plain ?? parsed), `${place}, as plain text`);
      context.measure(checks.differs(framed, full ?? parsed), `${place}, post-processed`);
      context.output(JSON.stringify([ids, asText, framed]));
    }
  }
  for (const [i, file] of recorded.refused.entries()) {
    const model = await openFolder(join(context.folder, 'refused'), jsonOf(recorded, file));
    const ids = idsOf(() => model.encode('a b', { parseSpecial: true, addBos: false }));
    context.measure(checks.differs(ids, [-1]), `refused file ${i}`);
    context.output(JSON.stringify(ids));
  }
}

/** Text of recorded ids, special tokens left out and spelled, at once and as it comes. */
export async function compareTexts(context: PartContext): Promise<void> {
  const recorded = await readRecorded(context);
  for (const [i, file] of recorded.files.entries()) {
    const model = await openFolder(join(context.folder, 'recorded'), jsonOf(recorded, file));
    for (const [ids, text, kept] of file.decoded) {
      const stream = model.openStream([]);
      const streamed = ids.map((id) => stream.push(id)).join('') + stream.end();
      const said = model.decode(ids);
      const saidKept = model.decode(ids, { keepSpecial: true });
      const place = `file ${i}, [${ids.join()}]`;
      context.measure(said === text ? 0 : 1, `${place}, special tokens left out`);
      context.measure(saidKept === (kept ?? text) ? 0 : 1, `${place}, special tokens spelled`);
      context.measure(streamed === text ? 0 : 1, `${place}, as it comes`);
      // Where a text goes on, only its first token may come out otherwise.
      const rest = model.openStream(ids);
      context.measure(rest.end() === '' ? 0 : 1, `${place}, nothing more`);
      context.output(JSON.stringify([said, saidKept, streamed]));
    }
  }
}

/** A recorded tokenizer beside the tensors of a small model. */
async function folderForProgram(context: PartContext, name: string, json: string): Promise<string> {
  const folder = join(context.folder, name);
  await mkdir(folder);
  const tiny = context.data('models/tiny/llama/hf');
  for (const file of await readdir(tiny)) await copyFile(join(tiny, file), join(folder, file));
  await writeFile(join(folder, 'tokenizer.json'), json);
  return folder;
}

/** Corpus through `apr tokenize` on the bundled folder, and recorded strings on recorded tokenizers. */
export async function tokenizeByProgram(context: PartContext): Promise<void> {
  const recorded = await readRecorded(context);
  const corpus = (await checks.readCorpus(context)).filter(({ id }) => recorded.bundled[id] !== undefined);
  const bundled = context.data('models/sums-2m/hf');
  await tokenizeLines(
    context,
    bundled,
    corpus.map(({ id, text }) => [text, recorded.bundled[id] ?? []]),
  );
  for (const [i, file] of recorded.files.slice(0, FILES_BY_PROGRAM).entries()) {
    const folder = await folderForProgram(context, `program-${i}`, jsonOf(recorded, file));
    await tokenizeLines(
      context,
      folder,
      file.texts.map(([text, parsed]) => [text, parsed]),
    );
  }
}

async function tokenizeLines(
  context: PartContext,
  folder: string,
  cases: readonly (readonly [text: string, ids: readonly number[]])[],
): Promise<void> {
  const list = join(context.folder, 'texts.jsonl');
  await writeFile(list, cases.map(([text]) => `${JSON.stringify(text)}\n`).join(''));
  const flags = ['--file', list, '--json-lines', '--special'];
  const said = await context.program('apr', ['tokenize', folder, ...flags]);
  const lines = said.exitCode === 0 ? said.stdout.trimEnd().split('\n') : [];
  for (const [i, [text, expected]] of cases.entries()) {
    const ids = JSON.parse(lines[i] ?? '[-1]') as number[];
    context.measure(checks.differs(ids, expected), `apr tokenize, ${JSON.stringify(text)}`);
    context.output(JSON.stringify(ids));
  }
}

/** Recorded ids through `apr tokenize --decode`. */
export async function decodeByProgram(context: PartContext): Promise<void> {
  const recorded = await readRecorded(context);
  for (const [i, file] of recorded.files.slice(0, FILES_BY_PROGRAM).entries()) {
    const folder = await folderForProgram(context, `decoded-${i}`, jsonOf(recorded, file));
    for (const [ids, text] of file.decoded) {
      const said = await context.program('apr', ['tokenize', folder, '--decode', ids.join(), '--json']);
      const isSame = said.exitCode === 0 && (JSON.parse(said.stdout) as { text: string }).text === text;
      context.measure(ids.length > 0 && !isSame ? 1 : 0, `file ${i}, apr tokenize --decode ${ids.join()}`);
      context.output(said.stdout);
    }
  }
}

const SEARCHED_FILES = 60;

async function searchedFolders(context: PartContext): Promise<{ folder: SlowFolder; model: TextModel }[]> {
  const folders = fc.sample(slowFolder, { numRuns: SEARCHED_FILES, seed: context.seed });
  const opened: { folder: SlowFolder; model: TextModel }[] = [];
  for (const folder of folders) {
    opened.push({ folder, model: await openFolder(join(context.folder, 'searched'), JSON.stringify(folder.json)) });
  }
  return opened;
}

/** Searched strings on files made from the seed, against the slow tokenizer. */
export async function searchIds(context: PartContext): Promise<void> {
  const opened = await searchedFolders(context);
  await context.search(
    fc.record({ at: fc.nat(opened.length - 1), parseSpecial: fc.boolean(), text: hostileText }),
    context.planned,
    ({ at, parseSpecial, text }) => {
      const one = opened[at];
      if (one === undefined) return NaN;
      const ids = idsOf(() => one.model.encode(text, { parseSpecial, addBos: false }));
      return checks.differs(ids, slowEncode(one.folder, text.toWellFormed(), parseSpecial));
    },
  );
}

/** Searched lists of ids, at once and in two stretches, against the slow decoder. */
export async function searchTexts(context: PartContext): Promise<void> {
  const opened = await searchedFolders(context);
  await context.search(
    fc.record({
      at: fc.nat(opened.length - 1),
      keepSpecial: fc.boolean(),
      picks: fc.array(fc.nat(), { maxLength: 12 }),
    }),
    context.planned,
    ({ at, keepSpecial, picks }) => {
      const one = opened[at];
      if (one === undefined) return NaN;
      const ids = picks.map((pick) => pick % one.folder.tokens.length);
      const expected = slowDecode(one.folder, ids, keepSpecial);
      const stream = one.model.openStream([]);
      const streamed = ids.map((id) => stream.push(id)).join('') + stream.end();
      const isStreamed = keepSpecial || streamed === expected;
      return one.model.decode(ids, { keepSpecial }) === expected && isStreamed ? 0 : 1;
    },
  );
}
