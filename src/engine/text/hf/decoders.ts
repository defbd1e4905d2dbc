// The decoders of a tokenizer.json: tokens to text, as they come. Token stages pass tokens on until a decoder joins all
// of them to one; from there on text stages pass on stretches of that one. What depends on something later is held back.
import { bytesOfToken } from './byte-text.ts';
import type { Part } from './part.ts';
import { readPattern, replaced } from './patterns.ts';
import { checkByteLevel, readMetaspace } from './pre-tokenizers.ts';
import { heldBack, replacedAsItComes, startStripped, type TextStage } from './text-stages.ts';

/** Tokens in, tokens out. */
export interface TokenStage {
  push(token: string): readonly string[];
  end(): readonly string[];
}

/** Opened anew for every text; where a text goes on, no token of it is the first. */
interface Decoder {
  tokens: (isStart: boolean) => TokenStage;
  /** The same for all tokens as one, where it need not wait for the end. */
  text?: (isStart: boolean) => TextStage;
  /** It makes one token of all. */
  join?: () => TextStage;
}

/** Text of the tokens that are pushed. */
export type OpenDecoding = (isStart: boolean) => TextStage;

/**
 * @param part null: the tokens with spaces between them
 * @param cleanUp texts that are replaced in the result, one pair after another
 * @throws RefuteError E_TOKENIZER_JSON
 */
export function readDecoder(part: Part | null, cleanUp: readonly (readonly [string, string])[]): OpenDecoding {
  const decoders = part === null ? [SPACED] : flat(part).map(readOne);
  const joint = decoders.findIndex(({ join }) => join !== undefined);
  const ahead = joint === -1 ? decoders : decoders.slice(0, joint);
  const behind = joint === -1 ? [] : decoders.slice(joint + 1);
  return (isStart) => {
    const tokenStages = ahead.map(({ tokens }) => tokens(isStart));
    const textStages = [
      ...behind.map(({ text, tokens }) => text?.(isStart) ?? heldBack(() => tokens(isStart))),
      ...cleanUp.map(([searched, content]) => replacedAsItComes(searched, content)),
    ];
    const join = decoders[joint]?.join?.() ?? AS_IT_IS;
    const passTokens = (tokens: readonly string[], from: number): string => {
      let passed = tokens;
      for (const stage of tokenStages.slice(from)) passed = passed.flatMap((token) => stage.push(token));
      return passText(passed.map((token) => join.push(token)).join(''), 0);
    };
    const passText = (text: string, from: number): string =>
      textStages.slice(from).reduce((passed, stage) => (passed === '' ? '' : stage.push(passed)), text);
    return {
      push: (token) => passTokens([token], 0),
      end() {
        let text = tokenStages.map((stage, i) => passTokens(stage.end(), i + 1)).join('');
        text += passText(join.end(), 0);
        return text + textStages.map((stage, i) => passText(stage.end(), i + 1)).join('');
      },
    };
  };
}

const AS_IT_IS: TextStage = { push: (text) => text, end: () => '' };

/** What a list of decoders within each other comes to. */
function flat(part: Part): Part[] {
  return part.type === 'Sequence' ? part.parts('decoders').flatMap(flat) : [part];
}

/** A stage that looks at one token alone, and whether it is the first. */
function each(map: (token: string, isFirst: boolean) => string): (isStart: boolean) => TokenStage {
  return (isStart) => {
    let isFirst = isStart;
    return {
      push(token) {
        const mapped = map(token, isFirst);
        isFirst = false;
        return [mapped];
      },
      end: () => [],
    };
  };
}

const SPACED: Decoder = { tokens: each((token, isFirst) => (isFirst ? token : ` ${token}`)) };

/** As word pieces are cleaned, one after another. */
const WORD_PIECE_CLEANUP: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Transformers' own list for a finished text. */
export const TEXT_CLEANUP: readonly (readonly [string, string])[] = WORD_PIECE_CLEANUP.filter(
  ([searched]) => searched !== ' do not',
);

function cleaned(text: string): string {
  return WORD_PIECE_CLEANUP.reduce((last, [searched, content]) => last.replaceAll(searched, content), text);
}

function readOne(part: Part): Decoder {
  switch (part.type) {
    case 'ByteLevel':
      checkByteLevel(part);
      return {
        tokens: each((token) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOfToken(token))),
        join: joinBytes,
      };
    case 'Fuse':
      return { tokens: each((token) => token), join: () => AS_IT_IS };
    case 'Metaspace': {
      const { replacement, scheme } = readMetaspace(part);
      if (!part.isNull('split')) part.flag('split');
      const map = (token: string, isFirst: boolean): string =>
        token.replaceAll(replacement, isFirst && scheme !== 'never' ? '' : ' ');
      return { tokens: each(map), text: (isStart) => ({ push: (text) => map(text, isStart), end: () => '' }) };
    }
    case 'Replace': {
      const { find, text } = readPattern(part);
      const content = part.string('content');
      const tokens = each((token) => replaced(token, find, content));
      return text === null || text === '' ? { tokens } : { tokens, text: () => replacedAsItComes(text, content) };
    }
    case 'Strip':
      return strip(part);
    case 'ByteFallback':
      return { tokens: byteFallback };
    case 'WordPiece': {
      const prefix = part.string('prefix');
      const clean = part.flag('cleanup') ? cleaned : (token: string): string => token;
      return {
        tokens: each((token, isFirst) => {
          if (isFirst) return clean(token);
          return clean(token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`);
        }),
      };
    }
    case 'BPEDecoder': {
      const suffix = part.string('suffix');
      if (suffix === '') throw part.keyError('suffix', 'some text is needed');
      return { tokens: () => suffixDecoder(suffix) };
    }
    case 'CTC':
      return ctc(part);
    default:
      throw part.unknownType();
  }
}

function joinBytes(): TextStage {
  // A byte order mark is text here.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push: (token) => decoder.decode(bytesOfToken(token), { stream: true }),
    end: () => decoder.decode(),
  };
}

function strip(part: Part): Decoder {
  const [content, start, stop] = [part.character('content'), part.count('start'), part.count('stop')];
  const tokens = each((token) => {
    const characters = Array.from(token);
    let [from, to] = [0, characters.length];
    while (from < start && characters[from] === content) from += 1;
    while (characters.length - to < stop && to > from && characters[to - 1] === content) to -= 1;
    return characters.slice(from, to).join('');
  });
  return stop === 0 ? { tokens, text: (isStart) => (isStart ? startStripped(content, start) : AS_IT_IS) } : { tokens };
}

/** Neighbouring byte tokens are text together, or each of them is U+FFFD. */
function byteFallback(): TokenStage {
  let bytes: number[] = [];
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const flush = (): string[] => {
    if (bytes.length === 0) return [];
    const run = bytes;
    bytes = [];
    try {
      return [strict.decode(Uint8Array.from(run))];
    } catch {
      return run.map(() => '\ufffd');
    }
  };
  return {
    push(token) {
      const digits = /^<0x(\+?[0-9A-Fa-f]+)>$/.exec(token)?.[1];
      if (digits?.length !== 2) return [...flush(), token];
      bytes.push(Number.parseInt(digits, 16));
      return [];
    },
    end: flush,
  };
}

/** The suffix ends a word: a space, but not behind the last token. */
function suffixDecoder(suffix: string): TokenStage {
  let waiting: string | null = null;
  return {
    push(token) {
      const passed = waiting === null ? [] : [waiting.replaceAll(suffix, ' ')];
      waiting = token;
      return passed;
    },
    end: () => (waiting === null ? [] : [waiting.replaceAll(suffix, '')]),
  };
}

function ctc(part: Part): Decoder {
  const [pad, delimiter] = [part.string('pad_token'), part.string('word_delimiter_token')];
  const cleans = part.flag('cleanup');
  if (delimiter === '') throw part.keyError('word_delimiter_token', 'some text is needed');
  return {
    tokens() {
      let previous: string | null = null;
      return {
        push(token) {
          if (token === previous) return [];
          previous = token;
          const text = pad === '' ? token : token.replaceAll(pad, '');
          const result = cleans ? cleaned(text).replaceAll(delimiter, ' ') : text;
          return result === '' ? [] : [result];
        },
        end: () => [],
      };
    },
  };
}
