// The pre-tokenizers of a tokenizer.json: how a text is cut into words, within which tokens merge.
import { bytesAsText } from './byte-text.ts';
import { findPattern } from './find-pattern.ts';
import type { Part } from './part.ts';
import { readPattern, replaced } from './patterns.ts';
import {
  BEHAVIORS,
  cut,
  findCharacters,
  findString,
  mapped,
  prepend,
  slice,
  stretchesOf,
  type Behavior,
  type Find,
  type Piece,
} from './piece.ts';
import { isNumeric, isPunctuation, isWhitespace } from './unicode.ts';

/** No piece is empty, and neither is what comes out. */
export type PreTokenize = (piece: Piece) => Piece[];

const impossible = (is: string): Error => new Error(is);
const GPT2_WORDS: Find = findPattern(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  impossible,
);
/** Here with the joiners: these are another library's words. */
const WORDS: Find = findPattern('[\\w\\x{200C}\\x{200D}]+|[^\\w\\x{200C}\\x{200D}\\s]+', impossible);

/** @throws RefuteError E_TOKENIZER_JSON */
export function readPreTokenizer(part: Part): PreTokenize {
  switch (part.type) {
    case 'Sequence': {
      const all = part.parts('pretokenizers').map(readPreTokenizer);
      return (piece) => all.reduce((pieces, cutAgain) => pieces.flatMap(cutAgain), [piece]);
    }
    case 'ByteLevel':
      return byteLevel(part);
    case 'Metaspace':
      return metaspace(part);
    case 'Split': {
      const { find } = readPattern(part);
      return cutBy(find, part.oneOf('behavior', BEHAVIORS), part.flag('invert'));
    }
    case 'Digits':
      return cutBy(findCharacters(isNumeric), part.flag('individual_digits') ? 'Isolated' : 'Contiguous');
    case 'Punctuation':
      return cutBy(findCharacters(isPunctuation), part.oneOf('behavior', BEHAVIORS, 'Isolated'));
    case 'Whitespace':
      return cutBy(WORDS, 'Removed', true);
    case 'WhitespaceSplit':
      return cutBy(findCharacters(isWhitespace), 'Removed');
    case 'CharDelimiterSplit':
      return cutBy(findString(part.character('delimiter')), 'Removed');
    case 'BertPreTokenizer': {
      const words = cutBy(findCharacters(isWhitespace), 'Removed');
      const marks = cutBy(findCharacters(isPunctuation), 'Isolated');
      return (piece) => words(piece).flatMap(marks);
    }
    case 'FixedLength':
      return fixedLength(part);
    default:
      throw part.unknownType();
  }
}

function cutBy(find: Find, behavior: Behavior, isInverted = false): PreTokenize {
  return (piece) => {
    const stretches = stretchesOf(piece.text, find);
    if (isInverted) for (const stretch of stretches) stretch.isMatch = !stretch.isMatch;
    return cut(piece, stretches, behavior);
  };
}

function byteLevel(part: Part): PreTokenize {
  const { addsSpace, usesExpression } = checkByteLevel(part);
  const cutWords = usesExpression ? cutBy(GPT2_WORDS, 'Isolated') : (piece: Piece): Piece[] => [piece];
  return (piece) => {
    const started = addsSpace && !piece.text.startsWith(' ') ? prepend(piece, ' ') : piece;
    return cutWords(started).map((word) => mapped(word, bytesAsText));
  };
}

/** What all three ByteLevels have. Which characters a token stands for is not asked: `trim_offsets` changes nothing. */
export function checkByteLevel(part: Part): { addsSpace: boolean; usesExpression: boolean } {
  part.flag('trim_offsets');
  return { addsSpace: part.flag('add_prefix_space'), usesExpression: part.flag('use_regex', true) };
}

const SCHEMES = ['always', 'first', 'never'] as const;

/** The older `add_prefix_space: false` is refused beside any scheme but `never`, as the library does. */
export function readMetaspace(part: Part): { replacement: string; scheme: (typeof SCHEMES)[number] } {
  const scheme = part.oneOf('prepend_scheme', SCHEMES, 'always');
  const isPrefixed = part.isNull('add_prefix_space') || part.flag('add_prefix_space');
  if (!isPrefixed && scheme !== 'never') {
    throw part.error(`add_prefix_space is false and prepend_scheme is "${scheme}"`, 'only "never" agrees with it');
  }
  if (!part.isNull('str_rep')) part.string('str_rep');
  return { replacement: part.character('replacement'), scheme };
}

function metaspace(part: Part): PreTokenize {
  const { replacement, scheme } = readMetaspace(part);
  const splits = part.isNull('split') || part.flag('split');
  const [spaces, marks] = [findString(' '), findString(replacement)];
  return (piece) => {
    const spaced = mapped(piece, (text) => replaced(text, spaces, replacement));
    const isPrefixed = scheme === 'always' || (scheme === 'first' && piece.isFirst);
    const whole = isPrefixed && !spaced.text.startsWith(replacement) ? prepend(spaced, replacement) : spaced;
    return splits ? cut(whole, stretchesOf(whole.text, marks), 'MergedWithNext') : [whole];
  };
}

function fixedLength(part: Part): PreTokenize {
  const length = part.get('length') === undefined ? 5 : part.count('length');
  if (length === 0) throw part.keyError('length', 'at least 1');
  return (piece) => {
    const pieces: Piece[] = [];
    let [start, at, count] = [0, 0, 0];
    for (const character of piece.text) {
      at += character.length;
      count += 1;
      if (count % length !== 0 && at < piece.text.length) continue;
      pieces.push(slice(piece, start, at));
      start = at;
    }
    return pieces;
  };
}
