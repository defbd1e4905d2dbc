// The `tokenizer.*` keys of a GGUF file, read and checked: what the encoder, the decoder and the chat template need.
// Values are taken as the file states them; what it leaves out is filled in here, each default with a notice.
import type { Notice } from '../../notice.ts';
import { BYTE_ALPHABET } from './byte-alphabet.ts';
import { TokenizerKeys } from './tokenizer-keys.ts';
import { DEFAULT_PRE, PRE_TOKENIZERS, type PreTokenizer } from './pre-tokenizers.ts';

/** `tokenizer.ggml.token_type`, as GGUF numbers it. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Vocabulary {
  kind: 'bpe' | 'sentencepiece';
  /** How text is cut before merging; null for SentencePiece. */
  preTokenizer: PreTokenizer | null;
  tokens: readonly string[];
  /** The other way; a spelling has one id. */
  idOf: ReadonlyMap<string, number>;
  /** `TOKEN_TYPE` by id. */
  types: Uint8Array;
  /** SentencePiece: by id, higher merges first. Empty for BPE. */
  scores: readonly number[];
  /** BPE: "left right", first merges first. Empty for SentencePiece. */
  merges: readonly string[];
  bosId: number | null;
  eosId: number | null;
  endIds: ReadonlySet<number>;
  wantsBos: boolean;
  /** SentencePiece: a text starts with a space that decoding takes away again. */
  hasSpacePrefix: boolean;
  chatTemplate: string | null;
}

/** The spellings by which llama.cpp knows the end of a turn or text when no key names it. */
const END_SPELLINGS: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<｜end▁of▁sentence｜>',
  '<|fim_pad|>',
  '<|repo_name|>',
  '<reponame>',
  '<|file_sep|>',
]);

/** By which the beginning of a text is known in any SentencePiece vocabulary when no key names it. */
const SENTENCEPIECE_BOS = ['<s>', '<bos>'] as const;

const END_KEYS = ['eos_token_id', 'eot_token_id', 'eom_token_id'] as const;

/** What a tokenizer.json brings along and no key of GGUF says. */
export interface OwnTokenizer {
  /** Beside those that the vocabulary marks. */
  endIds: readonly number[];
}

/**
 * @param of.own where a tokenizer.json encodes: nothing is then guessed about cutting, or about a BOS token
 * @param of.bosSpellings what may stand for a missing BOS id of a byte-level vocabulary; the first that it has
 * @throws RefuteError E_TOKENIZER_TYPE (a key of the wrong type), E_TOKENIZER_LENGTH (lists that do not match),
 *   E_TOKENIZER_ID (an id outside the vocabulary), E_TOKENIZER_DUPLICATE, E_TOKENIZER_EMPTY, E_TOKENIZER_SCORES
 */
export function readVocabulary(
  metadata: ReadonlyMap<string, unknown>,
  kind: Vocabulary['kind'],
  notify: (notice: Notice) => void,
  { own, bosSpellings }: { own: OwnTokenizer | null; bosSpellings: readonly string[] },
): Vocabulary {
  const reader = new TokenizerKeys(metadata);
  const tokens = reader.strings('tokenizer.ggml.tokens') ?? [];
  if (tokens.length === 0) throw reader.error('E_TOKENIZER_EMPTY', 'tokenizer.ggml.tokens', 'the vocabulary is empty');
  const idOf = indexTokens(reader, tokens);
  const types = readTypes(reader, tokens.length, idOf, notify);
  if (own === null) noticeMissingBytes(kind, idOf, types, notify);
  const preTokenizer = kind === 'bpe' && own === null ? choosePreTokenizer(reader, notify) : null;
  const bosId =
    reader.id('tokenizer.ggml.bos_token_id', tokens.length) ??
    (own === null ? fallbackBos(reader, kind === 'bpe' ? bosSpellings : SENTENCEPIECE_BOS, idOf, types, notify) : null);
  return {
    kind,
    preTokenizer,
    tokens,
    idOf,
    types,
    scores: kind === 'sentencepiece' ? readScores(reader, tokens) : [],
    merges: kind === 'bpe' ? (reader.strings('tokenizer.ggml.merges') ?? []) : [],
    bosId,
    eosId: reader.id('tokenizer.ggml.eos_token_id', tokens.length),
    endIds: findEndIds(reader, idOf, types, own?.endIds ?? [], notify),
    wantsBos: readWantsBos(reader, bosId, preTokenizer?.wantsBos ?? kind === 'sentencepiece', notify),
    hasSpacePrefix: reader.flag('tokenizer.ggml.add_space_prefix') ?? kind === 'sentencepiece',
    chatTemplate: reader.string('tokenizer.chat_template'),
  };
}

function indexTokens(reader: TokenizerKeys, tokens: readonly string[]): ReadonlyMap<string, number> {
  const idOf = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const first = idOf.get(token);
    if (first !== undefined && token !== '') {
      const is = `${JSON.stringify(token)} is token ${first} and token ${id}`;
      throw reader.error('E_TOKENIZER_DUPLICATE', 'tokenizer.ggml.tokens', is, 'a spelling has one id');
    }
    idOf.set(token, id);
  }
  return idOf;
}

function readTypes(
  reader: TokenizerKeys,
  tokenCount: number,
  idOf: ReadonlyMap<string, number>,
  notify: (notice: Notice) => void,
): Uint8Array {
  const stored = reader.numbers('tokenizer.ggml.token_type', tokenCount);
  const types = stored === null ? new Uint8Array(tokenCount).fill(TOKEN_TYPE.normal) : Uint8Array.from(stored);
  for (const [id, token] of endTokens(idOf)) {
    if (types[id] === TOKEN_TYPE.control) continue;
    const message = `token ${id} ${JSON.stringify(token)} is not marked as a control token; it is taken as one.`;
    notify({ severity: 'warning', code: 'CONTROL-FALLBACK', message });
    types[id] = TOKEN_TYPE.control;
  }
  return types;
}

/** Those that are known to end something, in the order of their ids. */
function endTokens(idOf: ReadonlyMap<string, number>): [id: number, token: string][] {
  return [...END_SPELLINGS]
    .flatMap((token): [number, string][] => {
      const id = idOf.get(token);
      return id === undefined ? [] : [[id, token]];
    })
    .toSorted(([a], [b]) => a - b);
}

/** Every text has a spelling where every byte is a token, or where an unknown token stands in for it. */
function noticeMissingBytes(
  kind: Vocabulary['kind'],
  idOf: ReadonlyMap<string, number>,
  types: Uint8Array,
  notify: (notice: Notice) => void,
): void {
  const spellings = kind === 'bpe' ? BYTE_ALPHABET : BYTE_ALPHABET.map((_, byte) => spellingOfByte(byte));
  const missing = spellings.filter((spelling) => !idOf.has(spelling)).length;
  if (missing === 0) return;
  const hasUnknown = kind === 'sentencepiece' && types.includes(TOKEN_TYPE.unknown);
  const fate = hasUnknown ? 'becomes the unknown token' : 'is lost';
  const message = `${missing} of 256 bytes have no token: text that needs them ${fate}.`;
  notify({ severity: 'warning', code: 'BYTES-MISSING', message });
}

/** 10 -> `<0x0A>`. */
export function spellingOfByte(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

function readScores(reader: TokenizerKeys, tokens: readonly string[]): readonly number[] {
  const key = 'tokenizer.ggml.scores';
  const scores = reader.numbers(key, tokens.length);
  if (scores === null) {
    throw reader.error('E_TOKENIZER_SCORES', key, 'missing', 'a SentencePiece vocabulary has one score a token');
  }
  const broken = scores.findIndex((score) => Number.isNaN(score));
  if (broken !== -1) throw reader.error('E_TOKENIZER_SCORES', key, `the score of token ${broken} is NaN`);
  return scores;
}

function choosePreTokenizer(reader: TokenizerKeys, notify: (notice: Notice) => void): PreTokenizer {
  const name = reader.string('tokenizer.ggml.pre');
  const known = PRE_TOKENIZERS.get(name ?? DEFAULT_PRE);
  if (name !== null && known !== undefined) return known;
  const is =
    name === null ? 'No tokenizer.ggml.pre in the file' : `tokenizer.ggml.pre ${JSON.stringify(name)} is not known`;
  const message = `${is}: text is cut as "${DEFAULT_PRE}" does. Token ids may differ from those of the model's training.`;
  notify({ severity: 'warning', code: 'PRE-FALLBACK', message });
  return PRE_TOKENIZERS.get(DEFAULT_PRE) ?? { expressions: [] };
}

function fallbackBos(
  reader: TokenizerKeys,
  spellings: readonly string[],
  idOf: ReadonlyMap<string, number>,
  types: Uint8Array,
  notify: (notice: Notice) => void,
): number | null {
  const architecture = reader.string('general.architecture') ?? 'llama';
  const spelling = spellings.find((text) => types[idOf.get(text) ?? -1] === TOKEN_TYPE.control);
  if (spelling === undefined) return null;
  const id = idOf.get(spelling) ?? null;
  const message = `No tokenizer.ggml.bos_token_id in the file: using ${id} ("${spelling}"), the default for '${architecture}'.`;
  notify({ severity: 'note', code: 'BOS-FALLBACK', message });
  return id;
}

function readWantsBos(
  reader: TokenizerKeys,
  bosId: number | null,
  byKind: boolean,
  notify: (notice: Notice) => void,
): boolean {
  const wantsBos = reader.flag('tokenizer.ggml.add_bos_token') ?? byKind;
  if (!wantsBos || bosId !== null) return wantsBos;
  const message = 'Prompts of this vocabulary start with a BOS token and the file names none: they start without one.';
  notify({ severity: 'warning', code: 'BOS-FALLBACK', message });
  return false;
}

function findEndIds(
  reader: TokenizerKeys,
  idOf: ReadonlyMap<string, number>,
  types: Uint8Array,
  stated: readonly number[],
  notify: (notice: Notice) => void,
): ReadonlySet<number> {
  const ids = new Set<number>(stated);
  for (const key of END_KEYS) {
    const id = reader.id(`tokenizer.ggml.${key}`, types.length);
    if (id !== null) ids.add(id);
  }
  for (const [id] of endTokens(idOf)) if (types[id] === TOKEN_TYPE.control) ids.add(id);
  if (ids.size === 0) {
    const message = 'The file names no end token: a generation ends only at its limit.';
    notify({ severity: 'warning', code: 'EOS-FALLBACK', message });
  }
  return ids;
}
