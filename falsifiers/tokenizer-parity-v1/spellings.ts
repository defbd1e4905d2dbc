// Vocabularies that are odd in how their tokens are spelled: tokens of bytes that are not UTF-8, tokens spelled alike,
// bytes without a token. What each must do is said from the definitions, by the slow tokenizer over a vocabulary in
// which every token has a spelling of its own.
import fc from 'fast-check';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RefuteError } from '../../src/errors.ts';
import { createTextModel } from '../../src/engine/text/create-text-model.ts';
import { parseGguf } from '../../src/engine/formats/gguf.ts';
import { MemoryByteSource } from '../../src/engine/io/byte-source.ts';
import type { TextModel } from '../../src/engine/text/text-model.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import * as checks from './checks.ts';
import { slowDecode } from './decoding.ts';
import type { SlowEncode } from './slow.ts';
import { hostileText, sampleTexts } from './strings.ts';
import {
  bpeVocabulary,
  BYTE_SPELLINGS,
  sentencePieceVocabulary,
  TOKEN_KIND,
  vocabularyFile,
  type SlowVocabulary,
} from './vocabularies.ts';

const VOCABULARIES = 4;
/** Lists of ids and strings that llama.cpp is asked about, per file. */
export const ASKED = 200;
/** Each is a run of the bundled model. */
export const RUNS = 3;
/** Each is a process of its own. */
export const REFUSALS = 10;

interface OddSubject {
  vocabulary: SlowVocabulary;
  spelled: ReadonlyMap<number, Uint8Array>;
  bytes: Uint8Array;
  model: TextModel;
  slow: SlowEncode;
}

async function oddSubject(
  context: PartContext,
  vocabulary: SlowVocabulary,
  spelled: ReadonlyMap<number, Uint8Array>,
  inFile: SlowVocabulary = vocabulary,
): Promise<OddSubject> {
  const bytes = vocabularyFile(inFile, spelled);
  const { metadata } = await parseGguf(new MemoryByteSource(bytes, 'vocabulary.gguf'));
  return {
    vocabulary,
    spelled,
    bytes,
    model: createTextModel(metadata),
    slow: await checks.slow(context, vocabulary),
  };
}

/** With tokens that are no text at the end and, where asked for, tokens spelled like earlier ones. */
async function withOddSpellings(context: PartContext, seed: number, twins: boolean): Promise<OddSubject> {
  const random = new SeededRandom(seed);
  const made = seed % 2 === 0 ? bpeVocabulary(seed, 'qwen2') : sentencePieceVocabulary(seed);
  const [tokens, kinds, scores] = [[...made.tokens], [...made.kinds], [...made.scores]];
  const isNormal = (id: number): boolean => id >= 262 && kinds[id] === TOKEN_KIND.normal;
  const add = (token: string, score: number): number => {
    tokens.push(token);
    kinds.push(TOKEN_KIND.normal);
    if (made.kind === 'sentencepiece') scores.push(score);
    return tokens.length - 1;
  };
  const normal = tokens.flatMap((_, id) => (isNormal(id) ? [id] : []));
  if (twins) {
    for (let n = 0; n < 12; n++) add(tokens[normal[random.below(normal.length)] ?? 0] ?? '', -random.below(24) / 4);
  }
  const spelled = new Map<number, Uint8Array>();
  // Pairs that differ in one byte that is not UTF-8; half characters; a byte that goes on where none began.
  const endings = [[0x61], [0xc3], [0xe6, 0xbc], [0xf0, 0x9f, 0x98], [0x80, 0xc3, 0xa9], [0xed, 0xa0, 0x80]];
  for (const [i, ending] of endings.entries()) {
    for (const first of [0xff, 0xfe]) spelled.set(add(`\u{10ffff}${i}-${first}`, -1), Uint8Array.of(first, ...ending));
  }
  spelled.set(add('\u{10ffff}half', -1), Uint8Array.of(0xe6, 0xbc));
  return oddSubject(context, { ...made, tokens, kinds, scores }, spelled);
}

export async function searchSpellings(context: PartContext): Promise<void> {
  const subjects = await Promise.all(
    Array.from({ length: VOCABULARIES }, (_, i) => withOddSpellings(context, context.seed + i, true)),
  );
  const input = fc.record({
    subject: fc.nat(subjects.length - 1),
    text: hostileText,
    ids: fc.array(fc.nat(2 ** 20), { maxLength: 12 }),
    // Ids from the end of the list: the odd ones are there.
    odd: fc.array(fc.nat(24), { maxLength: 6 }),
    parseSpecial: fc.boolean(),
  });
  await context.search(input, context.planned, ({ subject: index, text, ids, odd, parseSpecial }) => {
    const subject = subjects[index];
    if (subject === undefined) return NaN;
    const { model, vocabulary, slow, spelled } = subject;
    const count = vocabulary.tokens.length;
    const all = [...ids.map((id) => id % count), ...odd.map((back) => count - 1 - back)];
    const isSame =
      checks.differs(model.encode(text, { parseSpecial, addBos: false }), slow(text, { parseSpecial })) === 0 &&
      model.decode(all, { keepSpecial: true }) === slowDecode(vocabulary, all, true, spelled);
    return isSame ? 0 : 1;
  });
}

/** llama.cpp opens no vocabulary with tokens spelled alike; of bytes that are not UTF-8 it has ids and text. */
export async function compareSpellings(context: PartContext): Promise<void> {
  await checks.withLlamaCpp(context, async (open, answered) => {
    for (const seed of [context.seed - (context.seed % 2), context.seed - (context.seed % 2) + 1]) {
      const { vocabulary, model, bytes } = await withOddSpellings(context, seed, false);
      const path = join(context.folder, `odd-${seed}.gguf`);
      await writeFile(path, bytes);
      const oracle = await open(path);
      const random = new SeededRandom(seed);
      for (const text of sampleTexts(ASKED, seed)) {
        const theirs = oracle.tokenize(text, { parseSpecial: true });
        const ours = model.encode(text, { parseSpecial: true, addBos: false });
        answered(theirs);
        context.measure(checks.differs(ours, theirs), JSON.stringify(text));
        context.output(JSON.stringify(ours));
      }
      // A byte-level token that is not of the alphabet is a message in llama.cpp's text, not bytes.
      if (vocabulary.kind === 'bpe') continue;
      for (let n = 0; n < ASKED; n++) {
        const ids = Array.from({ length: 1 + random.below(8) }, () =>
          random.below(2) === 0
            ? random.below(vocabulary.tokens.length)
            : vocabulary.tokens.length - 1 - random.below(13),
        );
        const theirs = oracle.detokenize(ids, { keepSpecial: true });
        const ours = model.decode(ids, { keepSpecial: true });
        answered(theirs);
        context.measure(ours === theirs ? 0 : 1, ids.join(','));
        context.output(ours);
      }
    }
  });
}

/** Where each token's bytes stand in a GGUF file. */
function tokenPlaces(file: Uint8Array): { at: number; byteLength: number }[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const key = 'tokenizer.ggml.tokens';
  // Key, type of value (array), type of element (string), count.
  let at = Buffer.from(file.buffer, file.byteOffset, file.byteLength).indexOf(key) + key.length + 4 + 4;
  const count = Number(view.getBigUint64(at, true));
  at += 8;
  return Array.from({ length: count }, () => {
    const place = { at: at + 8, byteLength: Number(view.getBigUint64(at, true)) };
    at = place.at + place.byteLength;
    return place;
  });
}

/** The bundled model with other bytes for some of its tokens, none longer or shorter. */
async function withTokenBytes(
  context: PartContext,
  name: string,
  bytesOf: (id: number, byteLength: number, own: (id: number) => Uint8Array) => Uint8Array | null,
): Promise<string> {
  const file = new Uint8Array(await readFile(context.model('model:sums-2m')));
  const places = tokenPlaces(file);
  const own = (id: number): Uint8Array => {
    const { at, byteLength } = places[id] ?? { at: 0, byteLength: 0 };
    return file.slice(at, at + byteLength);
  };
  for (const [id, { at, byteLength }] of places.entries()) {
    const bytes = bytesOf(id, byteLength, own);
    if (bytes !== null && bytes.length !== byteLength) throw new Error(`token ${id} cannot be respelled`);
    if (bytes !== null) file.set(bytes, at);
  }
  const path = join(context.folder, name);
  await writeFile(path, file);
  return path;
}

/** `apr run --tokens`: a trained model says the same on ids, whatever its tokens are called. */
export async function runOddlySpelled(context: PartContext): Promise<void> {
  const plain = context.model('model:sums-2m');
  const odd = await withTokenBytes(context, 'odd.gguf', (id, byteLength, own) => {
    if (id < 256 || byteLength < 2) return null;
    if (id % 3 === 0) return Uint8Array.from({ length: byteLength }, (_, i) => 0xff - ((id >> i) & 1));
    const before = own(id - 1);
    return before.length === byteLength ? before : null;
  });
  const random = new SeededRandom(context.seed);
  for (let n = 0; n < RUNS; n++) {
    const ids = Array.from({ length: 4 + random.below(12) }, () => random.below(700)).join(',');
    const [a, b] = await Promise.all([plain, odd].map((path) => generated(context, path, ids)));
    context.measure(a !== null && a === b ? 0 : 1, `${ids}: ${a}, ${b}`);
    context.output(b ?? '');
  }
}

async function generated(context: PartContext, path: string, ids: string): Promise<string | null> {
  const said = await context.program('apr', ['run', path, '--tokens', ids, '--max-tokens', '6', '--no-gpu', '--json']);
  if (said.exitCode !== 0) return null;
  return JSON.stringify((JSON.parse(said.stdout) as { generatedIds?: number[] }).generatedIds ?? null);
}

interface Expected {
  ids: number[];
  /** The first character without a token, by its code points before. */
  refused: { character: string; before: number } | null;
}

/** What becomes of a text where some byte tokens are gone; `unknown` stands in for their characters, or they are refused. */
function expectGone(
  { vocabulary, slow }: Pick<OddSubject, 'vocabulary' | 'slow'>,
  { gone, unknown }: { gone: ReadonlySet<number>; unknown: number | null },
  text: string,
  parseSpecial: boolean,
): Expected {
  const { kind, tokens, kinds } = vocabulary;
  const whole = slow(text, { parseSpecial });
  const utf8 = new TextEncoder().encode(text);
  const isWhole = (id: number): boolean => kinds[id] !== TOKEN_KIND.normal && kinds[id] !== TOKEN_KIND.byte;
  const byteLength = (id: number): number => {
    if (kinds[id] === TOKEN_KIND.byte) return 1;
    if (kind === 'bpe' && !isWhole(id)) return tokens[id]?.length ?? NaN;
    return new TextEncoder().encode(isWhole(id) ? tokens[id] : tokens[id]?.replaceAll('▁', ' ')).length;
  };
  const ids: number[] = [];
  let [at, afterUnknown] = [0, false];
  for (let i = 0; i < whole.length; i++) {
    const id = whole[i] ?? NaN;
    // A character that is spelled in bytes goes or stays as one.
    const count = kind === 'sentencepiece' && kinds[id] === TOKEN_KIND.byte ? characterBytes(utf8[at] ?? 0) : 1;
    const group = whole.slice(i, i + count);
    const isGone = group.some((part) => gone.has(part));
    if (isGone && unknown === null) {
      const before = Array.from(
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(utf8.subarray(0, characterStart(utf8, at))),
      ).length;
      return { ids: [], refused: { character: Array.from(text)[before] ?? '', before } };
    }
    if (!isGone) ids.push(...group);
    else if (!afterUnknown && unknown !== null) ids.push(unknown);
    afterUnknown = isGone;
    for (const part of group) at += byteLength(part);
    i += count - 1;
  }
  return { ids, refused: null };
}

function characterBytes(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function characterStart(utf8: Uint8Array, at: number): number {
  let start = at;
  while (((utf8[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

function messageOf({ character, before }: NonNullable<Expected['refused']>): string {
  const code = (character.codePointAt(0) ?? NaN).toString(16).toUpperCase().padStart(4, '0');
  return `text, character ${before + 1}: ${JSON.stringify(character)} (U+${code}) has no token`;
}

function outcome(model: TextModel, text: string, parseSpecial: boolean): { ids: number[] } | { message: string } {
  try {
    return { ids: model.encode(text, { parseSpecial, addBos: false }) };
  } catch (error) {
    if (error instanceof RefuteError && error.code === 'E_TEXT_UNENCODABLE') return { message: error.message };
    throw error;
  }
}

interface GoneSubject extends OddSubject {
  gone: ReadonlySet<number>;
  unknown: number | null;
}

/** Some byte tokens are called something else; of two SentencePiece vocabularies one has no unknown token. */
async function withoutBytes(context: PartContext, seed: number, isBpe: boolean): Promise<GoneSubject> {
  const random = new SeededRandom(seed);
  // Odd seeds have no space prefix, so that a place in the text is a place in its bytes.
  const made = isBpe ? bpeVocabulary(seed, 'qwen2') : sentencePieceVocabulary(2 * seed + 1);
  const firstByte = isBpe ? 0 : made.tokens.indexOf('<0x00>');
  const gone = new Set(Array.from({ length: 24 }, () => firstByte + random.below(256)));
  const keepsUnknown = !isBpe && seed % 2 === 0;
  const kinds = made.kinds.map((kind, id) => {
    if (gone.has(id)) return TOKEN_KIND.normal;
    return kind === TOKEN_KIND.unknown && !keepsUnknown ? TOKEN_KIND.control : kind;
  });
  const tokens = made.tokens.map((token, id) => (gone.has(id) ? `\u{10fffd}${id}` : token));
  const subject = await oddSubject(context, made, new Map(), { ...made, kinds, tokens });
  return { ...subject, gone, unknown: keepsUnknown ? 0 : null };
}

export async function searchUnencodable(context: PartContext): Promise<void> {
  const subjects = await Promise.all(
    Array.from({ length: 6 }, (_, i) => withoutBytes(context, context.seed + i, i % 3 === 0)),
  );
  const input = fc.record({ subject: fc.nat(subjects.length - 1), text: hostileText, parseSpecial: fc.boolean() });
  await context.search(input, context.planned, ({ subject: index, text: searched, parseSpecial }) => {
    const subject = subjects[index];
    if (subject === undefined) return NaN;
    // ▁ stands for a space and takes three bytes where that takes one.
    const text = searched.toWellFormed().replaceAll('▁', '_');
    const { ids, refused } = expectGone(subject, subject, text, parseSpecial);
    const got = outcome(subject.model, text, parseSpecial);
    if (refused === null) return 'ids' in got ? checks.differs(got.ids, ids) : 1;
    return 'message' in got && got.message.startsWith(messageOf(refused)) ? 0 : 1;
  });
}

/** `apr tokenize` on the bundled model with two of its byte tokens gone. */
export async function refuseByProgram(context: PartContext): Promise<void> {
  const vocabulary = await checks.trainerVocabulary(context);
  const slow = await checks.slow(context, vocabulary);
  const gone = new Set(
    ['~', '+']
      .map((character) => BYTE_SPELLINGS.indexOf(character))
      .map((byte) => vocabulary.tokens.indexOf(BYTE_SPELLINGS[byte] ?? '')),
  );
  const path = await withTokenBytes(context, 'gone.gguf', (id) => (gone.has(id) ? Uint8Array.of(1) : null));
  const texts = sampleTexts(20 * REFUSALS, context.seed).filter((text) => text.isWellFormed() && text.length > 0);
  for (const [i, sampled] of texts.slice(0, REFUSALS).entries()) {
    const text = i % 2 === 0 ? `${sampled}~${sampled}` : sampled;
    const { ids, refused } = expectGone({ vocabulary, slow }, { gone, unknown: null }, text, false);
    const said = await context.program('apr', ['tokenize', path, '--file', '-', '--json'], { stdin: text });
    const isRight =
      refused === null
        ? said.exitCode === 0 && checks.differs((JSON.parse(said.stdout) as { ids: number[] }).ids, ids) === 0
        : said.exitCode === 3 && `${said.stdout}${said.stderr}`.includes(`character ${refused.before + 1}: `);
    context.measure(isRight ? 0 : 1, JSON.stringify(text));
    context.output(JSON.stringify(refused ?? ids));
  }
}

/** llama.cpp drops what has no token: where it has lost something the product has refused, else the ids are the same. */
export async function compareDropped(context: PartContext): Promise<void> {
  await checks.withLlamaCpp(context, async (open, answered) => {
    const { model, bytes } = await withoutBytes(context, context.seed, true);
    const path = join(context.folder, 'gone.gguf');
    await writeFile(path, bytes);
    const oracle = await open(path);
    for (const sampled of sampleTexts(2 * ASKED, context.seed)) {
      const text = sampled.toWellFormed();
      const theirs = oracle.tokenize(text, { parseSpecial: true });
      const isWhole = oracle.detokenize(theirs, { keepSpecial: true }) === text;
      const got = outcome(model, text, true);
      answered(theirs);
      const isSame = 'ids' in got && isWhole && checks.differs(got.ids, theirs) === 0;
      context.measure(isSame || ('message' in got && !isWhole) ? 0 : 1, JSON.stringify(text));
      context.output(JSON.stringify(got));
    }
  });
}
