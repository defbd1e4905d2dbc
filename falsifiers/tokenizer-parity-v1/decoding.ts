// Ids back to text: round trips, ids in any order, one token at a time, by the library and by `apr tokenize --decode`.
// What an id stands for is said here once more, from the definitions: a run of bytes, and text is the UTF-8 of them all.
import fc from 'fast-check';
import type { TextModel } from '../../src/engine/text/text-model.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import * as checks from './checks.ts';
import { partsOf } from './slow.ts';
import { hostileText } from './strings.ts';
import {
  bpeVocabulary,
  BYTE_SPELLINGS,
  CUTS,
  sentencePieceVocabulary,
  TOKEN_KIND,
  type SlowVocabulary,
} from './vocabularies.ts';

/** Strings of the corpus that SentencePiece itself was asked about: those that are Unicode. */
export const OWN_IDS = 544;
/** Lists of ids that are decoded for an oracle; each twice, with and without control tokens. */
export const ID_LISTS = 300;
/** Each is a process of its own. */
export const DECODED_BY_PROGRAM = 8;

/** The bytes of tokens that are no text, by id. */
type Spelled = ReadonlyMap<number, Uint8Array>;

/** The bytes of one id. Control and unknown tokens have none unless they are spelled out. */
function slowBytes(
  { kind, tokens, kinds }: SlowVocabulary,
  id: number,
  keepSpecial: boolean,
  spelled: Spelled = new Map(),
): Uint8Array {
  const own = spelled.get(id);
  if (own !== undefined) return own;
  const spelling = tokens[id] ?? '';
  const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
  switch (kinds[id] ?? TOKEN_KIND.normal) {
    case TOKEN_KIND.control:
    case TOKEN_KIND.unknown:
      return utf8(keepSpecial ? spelling : '');
    case TOKEN_KIND.byte:
      return Uint8Array.of(Number.parseInt(spelling.slice(3, 5), 16));
    case TOKEN_KIND.userDefined:
      return utf8(spelling);
    default:
      if (kind === 'sentencepiece') return utf8(spelling.replaceAll('▁', ' '));
      return Uint8Array.from(Array.from(spelling), (character) => BYTE_SPELLINGS.indexOf(character));
  }
}

/** A text with a space prefix loses the space of its first token, unless control comes first. */
export function slowDecode(
  vocabulary: SlowVocabulary,
  ids: readonly number[],
  keepSpecial: boolean,
  spelled?: Spelled,
): string {
  const bytes = ids.flatMap((id) => [...slowBytes(vocabulary, id, keepSpecial, spelled)]);
  const [first] = ids;
  const kind = vocabulary.kinds[first ?? -1];
  const startsWithText = kind !== TOKEN_KIND.control && kind !== TOKEN_KIND.unknown;
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  return startsWithText ? withoutPrefix(vocabulary, text) : text;
}

function streamed(model: TextModel, ids: readonly number[]): string {
  const stream = model.openStream([]);
  return ids.map((id) => stream.push(id)).join('') + stream.end();
}

/**
 * What a text comes back as. Byte-level: as it was. SentencePiece writes every space as '▁', which therefore reads as
 * one, and may start each stretch after a whole token with a space of its own.
 */
function expectedText(vocabulary: SlowVocabulary, text: string): string {
  const { kind, tokens, hasSpacePrefix } = vocabulary;
  if (kind === 'bpe') return text.toWellFormed();
  const prefix = hasSpacePrefix ? ' ' : '';
  const parts = partsOf(vocabulary)(text, false).map((part) =>
    typeof part === 'number' ? (tokens[part] ?? '') : prefix + part.replaceAll('▁', ' '),
  );
  return withoutPrefix(vocabulary, parts.join(''));
}

function withoutPrefix({ hasSpacePrefix }: SlowVocabulary, text: string): string {
  return hasSpacePrefix && text.startsWith(' ') ? text.slice(1) : text;
}

/** Text there and back, and any ids at all; whole and one token at a time. */
export async function searchRoundTrips(context: PartContext): Promise<void> {
  const vocabularies = [
    ...CUTS.map((pre, i) => bpeVocabulary(context.seed + i, pre)),
    sentencePieceVocabulary(context.seed),
    sentencePieceVocabulary(context.seed + 1),
  ];
  const subjects = await checks.subjects(context, vocabularies);
  const input = fc.record({
    subject: fc.nat(subjects.length - 1),
    text: hostileText,
    ids: fc.array(fc.nat(2 ** 20), { maxLength: 12 }),
    keepSpecial: fc.boolean(),
  });
  await context.search(input, context.planned, ({ subject: index, text, ids, keepSpecial }) => {
    const subject = subjects[index];
    if (subject === undefined) return NaN;
    const { model, vocabulary } = subject;
    const encoded = model.encode(text, { parseSpecial: false, addBos: false });
    const known = ids.map((id) => id % vocabulary.tokens.length);
    const isSame =
      model.decode(encoded) === expectedText(vocabulary, text) &&
      streamed(model, encoded) === model.decode(encoded) &&
      model.decode(known, { keepSpecial }) === slowDecode(vocabulary, known, keepSpecial);
    return isSame ? 0 : 1;
  });
}

/** Of the trained model, every string there and back. */
export async function roundTripTrained(context: PartContext, texts: readonly checks.CorpusString[]): Promise<void> {
  const model = await checks.textModelOf(context.model('model:sums-2m'));
  for (const { id, text } of texts) {
    const ids = model.encode(text, { parseSpecial: false, addBos: false });
    const decoded = model.decode(ids);
    context.measure(decoded === text.toWellFormed() && streamed(model, ids) === decoded ? 0 : 1, id);
    context.output(decoded);
  }
}

/** As a user decodes: ids on the command line, text in JSON. */
export async function decodeByProgram(context: PartContext): Promise<void> {
  const vocabulary = await checks.trainerVocabulary(context);
  const path = context.model('model:sums-2m');
  const random = new SeededRandom(context.seed);
  for (let n = 0; n < DECODED_BY_PROGRAM; n++) {
    const ids = randomIds(random, vocabulary.tokens.length);
    const keepSpecial = n % 2 === 0;
    const argv = ['tokenize', path, '--decode', ids.join(','), '--json', ...(keepSpecial ? ['--special'] : [])];
    const said = await context.program('apr', argv);
    const { text } = JSON.parse(said.exitCode === 0 ? said.stdout : '{}') as { text?: string };
    context.measure(text === slowDecode(vocabulary, ids, keepSpecial) ? 0 : 1, argv.join(' '));
    context.output(text ?? '');
  }
}

/** Never empty: the command line has no empty list. */
function randomIds(random: SeededRandom, vocabSize: number): number[] {
  return Array.from({ length: 1 + random.below(14) }, () => random.below(vocabSize));
}

/** Ids in any order, with and without control tokens, against llama.cpp: the bundled model, SentencePiece, Gemma 3. */
export async function compareDetokenized(context: PartContext): Promise<void> {
  const { vocabulary } = await checks.sentencePieceVectors(context);
  const files = [
    context.model('model:sums-2m'),
    await checks.writeVocabulary(context, 'sentencepiece', vocabulary),
    context.model('model:gemma3-270m'),
  ];
  await checks.withLlamaCpp(context, async (open, answered) => {
    for (const path of files) {
      const model = await checks.textModelOf(path);
      const oracle = await open(path);
      const random = new SeededRandom(context.seed);
      for (let n = 0; n < ID_LISTS; n++) {
        const ids = randomIds(random, model.vocabSize);
        for (const keepSpecial of [false, true]) {
          const theirs = oracle.detokenize(ids, { keepSpecial });
          answered(theirs);
          const ours = model.decode(ids, { keepSpecial });
          context.measure(ours === theirs ? 0 : 1, `${ids.join(',')}${keepSpecial ? ', control tokens spelled' : ''}`);
          context.output(ours);
        }
      }
    }
  });
}

/** SentencePiece's own ids for the corpus, recorded. @param path the same vocabulary as a GGUF file */
export async function compareSentencePiece(context: PartContext, path: string): Promise<void> {
  const { producer, ids } = await checks.sentencePieceVectors(context);
  const model = await checks.textModelOf(path);
  for (const { id, text } of await checks.readCorpus(context)) {
    const theirs = ids[id];
    if (theirs === undefined) continue;
    const ours = model.encode(text, { parseSpecial: false, addBos: false });
    context.measure(checks.differs(ours, theirs), `${id}, ${producer.name}`);
    context.output(JSON.stringify(ours));
  }
  context.oracle(producer);
}
