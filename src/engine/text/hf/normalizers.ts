// The normalizers of a tokenizer.json: what is done to a text before it is cut.
import { bytesAsText } from './byte-text.ts';
import type { Part } from './part.ts';
import { readPattern } from './patterns.ts';
import { mapped, prepend, type Find, type Piece } from './piece.ts';
import { isCombining, isControl, isNonspacing, isWhitespace, normalForm } from './unicode.ts';

export type Normalize = (piece: Piece) => Piece;

/** @throws RefuteError E_TOKENIZER_JSON */
export function readNormalizer(part: Part): Normalize {
  switch (part.type) {
    case 'Sequence': {
      const all = part.parts('normalizers').map(readNormalizer);
      return (piece) => all.reduce((last, normalize) => normalize(last), piece);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = part.type;
      return (piece) => mapped(piece, (text) => normalForm(text, form));
    }
    case 'Lowercase':
      return lowercase;
    case 'Strip':
      return strip(part.flag('strip_left'), part.flag('strip_right'));
    case 'StripAccents':
      return (piece) => without(piece, isCombining);
    case 'Replace': {
      const { find, text } = readPattern(part);
      // The library crashes on it.
      if (text === '') throw part.keyError('pattern', 'some text is needed');
      return replace(part, find, part.string('content'));
    }
    case 'Prepend': {
      const text = part.string('prepend');
      // The library crashes on it, or writes the first character twice.
      if (text === '') throw part.keyError('prepend', 'some text is needed');
      return (piece) => prepend(piece, text);
    }
    case 'ByteLevel':
      return (piece) => mapped(piece, bytesAsText);
    case 'Nmt':
      return (piece) =>
        mapped(
          without(piece, (character) => NMT_REMOVED.test(character)),
          (text) => text.replaceAll(NMT_SPACES, ' '),
        );
    case 'BertNormalizer':
      return bert(part);
    default:
      throw part.unknownType();
  }
}

/** Letter by letter: a final sigma is not seen. */
function lowercase(piece: Piece): Piece {
  return mapped(piece, (text) => (text.includes('Σ') ? text.replaceAll('Σ', 'σ').toLowerCase() : text.toLowerCase()));
}

const NMT_REMOVED = /(?![\t\n\f\r\0])[\p{Cc}--[\u{80}-\u{8e}\u{90}-\u{9e}]]/v;
const NMT_SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

function without(piece: Piece, isRemoved: (character: string) => boolean): Piece {
  const [first] = piece.text;
  const text = Array.from(piece.text)
    .filter((character) => !isRemoved(character))
    .join('');
  if (first === undefined || piece.firstLength === 0) return { ...piece, text };
  const kept = Array.from(piece.text.slice(0, piece.firstLength)).filter((character) => !isRemoved(character));
  return { ...piece, text, firstLength: kept.join('').length };
}

function strip(left: boolean, right: boolean): Normalize {
  return (piece) => {
    const characters = Array.from(piece.text);
    let [start, end] = [0, characters.length];
    while (left && start < end && isWhitespace(characters[start] ?? '')) start += 1;
    while (right && end > start && isWhitespace(characters[end - 1] ?? '')) end -= 1;
    const removed = characters.slice(0, start).join('').length;
    return {
      ...piece,
      text: characters.slice(start, end).join(''),
      firstLength: Math.max(0, piece.firstLength - removed),
    };
  };
}

function replace(part: Part, find: Find, content: string): Normalize {
  return (piece) => {
    if (piece.text === '') return piece;
    let { firstLength } = piece;
    let [text, end] = ['', 0];
    for (const [from, to] of find(piece.text)) {
      // There the library loses count of its characters.
      if (from === to) throw part.keyError('pattern', 'one that takes at least a character is needed');
      text += piece.text.slice(end, from) + content;
      // What is put in stands for the last character that is taken out.
      if (from < piece.firstLength) {
        const standsForFirst = to <= piece.firstLength;
        firstLength = standsForFirst ? firstLength - (to - from) + content.length : text.length - content.length;
      }
      end = to;
    }
    return { ...piece, text: text + piece.text.slice(end), firstLength };
  };
}

const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const BERT_SPACES = /[\t\n\r\p{Zs}\u2028\u2029]/gu;

function bert(part: Part): Normalize {
  const cleans = part.flag('clean_text');
  const isolatesChinese = part.flag('handle_chinese_chars');
  const lowers = part.flag('lowercase');
  const strips = part.isNull('strip_accents') ? lowers : part.flag('strip_accents');
  return (piece) => {
    let result = piece;
    if (cleans) {
      const isGone = (character: string): boolean => character === '\0' || isControl(character);
      result = mapped(without(result, isGone), (text) => text.replaceAll(BERT_SPACES, ' '));
    }
    if (isolatesChinese) result = mapped(result, (text) => text.replaceAll(CHINESE, ' $& '));
    if (strips)
      result = without(
        mapped(result, (text) => normalForm(text, 'NFD')),
        isNonspacing,
      );
    return lowers ? lowercase(result) : result;
  };
}
