// The `tokenizer.*` keys of a GGUF file, read and checked: what the encoder, the decoder and the chat template need.
// Values are taken as the file states them; what it leaves out is filled in here, each default with a notice. What only
// stands in the way of encoding is kept as the reason, because ids and their text need no encoder.
import type { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import { BYTE_ALPHABET } from './byte-alphabet.ts';
import { markTokens, TOKEN_TYPE } from './token-types.ts';
import { TokenizerKeys } from './tokenizer-keys.ts';
import { DEFAULT_PRE, PRE_TOKENIZERS, type PreTokenizer } from './pre-tokenizers.ts';

export { TOKEN_TYPE };

export interface Vocabulary {
  kind: 'bpe' | 'sentencepiece';
  /** How text is cut before merging; null for SentencePiece. */
  preTokenizer: PreTokenizer | null;
  /** Bytes that are not UTF-8 as byte-text.ts writes them. */
  tokens: readonly string[];
  /** The other way; of tokens that are spelled alike, the last. */
  idOf: ReadonlyMap<string, number>;
  /** `TOKEN_TYPE` by id. */
  types: Uint8Array;
  /** SentencePiece: by id, higher merges first. Empty for BPE. */
  scores: readonly number[];
  /** BPE: "left right", first merges first. Empty for SentencePiece. */
  merges: readonly string[];
  bosId: number | null;
  eosId: number | null;
  /** SentencePiece: what stands for a character without a token. */
  unknownId: number | null;
  endIds: ReadonlySet<number>;
  wantsBos: boolean;
  wantsEos: boolean;
  /** SentencePiece: a text starts with a space that decoding takes away again. */
  hasSpacePrefix: boolean;
  /** What the family's own tokenizer does to a text before it cuts it, and this vocabulary cannot say. */
  unsaidNormalization: 'NFC' | null;
  chatTemplate: string | null;
  /** Lower case: some tokens take the white space beside them by the model's name. */
  modelName: string;
  /** Why no text can be encoded; null where it can. */
  unencodable: RefuteError | null;
}

/** What a tokenizer.json brings along and no key of GGUF says. */
export interface OwnTokenizer {
  /** Beside those that the vocabulary marks. */
  endIds: readonly number[];
}

/** llama.cpp's ids of a SentencePiece vocabulary that names none. */
const SENTENCEPIECE_IDS = { unknown: 0, bos: 1, eos: 2 } as const;

type Notify = (notice: Notice) => void;

/**
 * @param of.own where a tokenizer.json encodes: nothing is then guessed about cutting, or about a BOS token
 * @param of.bosSpellings what may stand for a missing BOS id of a byte-level vocabulary; the first that it has
 * @throws RefuteError E_TOKENIZER_TYPE (a key of the wrong type), E_TOKENIZER_LENGTH (lists that do not match),
 *   E_TOKENIZER_EMPTY
 */
export function readVocabulary(
  metadata: ReadonlyMap<string, unknown>,
  kind: Vocabulary['kind'],
  notify: Notify,
  { own, bosSpellings }: { own: OwnTokenizer | null; bosSpellings: readonly string[] },
): Vocabulary {
  const reader = new TokenizerKeys(metadata);
  const tokens = readTokens(reader, own, notify);
  const idOf = indexTokens(tokens, notify);
  const idAt = (name: string): number | null => reader.id(`tokenizer.ggml.${name}_token_id`, tokens.length, notify);
  const isDefaulted = kind === 'sentencepiece' && own === null;
  const eosId = idAt('eos') ?? (isDefaulted ? defaultId(tokens, 'eos', notify) : null);
  const { types, endIds } = markTokens(reader, tokens, idOf, notify, { stated: own?.endIds ?? null, eosId });
  const unknownId = kind === 'bpe' ? null : findUnknown(idAt('unknown'), tokens, types);
  if (own === null) noticeMissingBytes(kind, idOf, unknownId, notify);
  const pre = kind === 'bpe' && own === null ? choosePreTokenizer(reader, notify) : null;
  const bosId =
    idAt('bos') ??
    (own !== null
      ? null
      : isDefaulted
        ? defaultId(tokens, 'bos', notify)
        : fallbackBos(reader, bosSpellings, idOf, types, notify));
  const scores = kind === 'sentencepiece' ? readScores(reader, tokens, notify) : [];
  const merges = kind === 'bpe' ? reader.strings('tokenizer.ggml.merges') : [];
  const modelName = metadata.get('general.name');
  noticeUnused(reader, metadata, notify);
  return {
    kind,
    preTokenizer: pre,
    tokens,
    idOf,
    types,
    scores,
    merges: merges ?? [],
    bosId,
    eosId,
    unknownId,
    endIds,
    wantsBos: readWantsBos(reader, bosId, pre?.wantsBos ?? kind === 'sentencepiece', notify),
    wantsEos: readWantsEos(reader, eosId, notify),
    hasSpacePrefix: reader.flag('tokenizer.ggml.add_space_prefix') ?? kind === 'sentencepiece',
    unsaidNormalization: pre?.normalization ?? null,
    chatTemplate: readTemplate(reader, notify, own !== null),
    modelName: typeof modelName === 'string' ? modelName.toLowerCase() : '',
    unencodable: own === null ? whyUnencodable(reader, kind, { pre, merges, scores }) : null,
  };
}

/** Keys that ask for something and are not followed. */
function noticeUnused(reader: TokenizerKeys, metadata: ReadonlyMap<string, unknown>, notify: Notify): void {
  if (reader.flag('tokenizer.ggml.add_sep_token') === true) {
    const message = 'tokenizer.ggml.add_sep_token is true: no separator is put into a prompt, as in llama.cpp.';
    notify({ severity: 'note', code: 'SEP-UNUSED', message });
  }
  const suppressed = metadata.get('tokenizer.ggml.suppress_tokens');
  if (Array.isArray(suppressed) && suppressed.length > 0) {
    const message = `tokenizer.ggml.suppress_tokens lists ${suppressed.length} tokens: they are generated all the same.`;
    notify({ severity: 'warning', code: 'SUPPRESS-UNUSED', message });
  }
}

/** llama.cpp gives an empty token a name; a tokenizer.json has its own way with it. */
function readTokens(reader: TokenizerKeys, own: OwnTokenizer | null, notify: Notify): readonly string[] {
  const tokens = reader.strings('tokenizer.ggml.tokens') ?? [];
  if (tokens.length === 0) throw reader.error('E_TOKENIZER_EMPTY', 'tokenizer.ggml.tokens', 'the vocabulary is empty');
  const first = own === null ? tokens.indexOf('') : -1;
  if (first === -1) return tokens;
  const message = `token ${first} is an empty string; it and others like it are named [EMPTY_${first}], as in llama.cpp.`;
  notify({ severity: 'warning', code: 'TOKEN-EMPTY', message });
  return tokens.map((token, id) => (token === '' ? `[EMPTY_${id}]` : token));
}

function indexTokens(tokens: readonly string[], notify: Notify): ReadonlyMap<string, number> {
  const idOf = new Map<string, number>();
  for (const [id, token] of tokens.entries()) idOf.set(token, id);
  if (idOf.size === tokens.length) return idOf;
  const first = tokens.findIndex((token, id) => idOf.get(token) !== id);
  const message =
    `${tokens.length - idOf.size} tokens are spelled like a later one, the first is ${first} ` +
    `${JSON.stringify(tokens[first])}: text becomes the last of them (a control token spelled whole the first), ` +
    'ids are used as they are. llama.cpp keeps the last too, and then refuses the file.';
  notify({ severity: 'warning', code: 'TOKEN-DUPLICATE', message });
  return idOf;
}

function defaultId(tokens: readonly string[], name: 'bos' | 'eos', notify: Notify): number | null {
  const id = SENTENCEPIECE_IDS[name];
  if (id >= tokens.length) return null;
  const message = `No usable tokenizer.ggml.${name}_token_id in the file: using ${id} ("${tokens[id]}"), llama.cpp's default.`;
  notify({ severity: 'note', code: name === 'bos' ? 'BOS-FALLBACK' : 'EOS-FALLBACK', message });
  return id;
}

/** The one that is named, else the one that is marked. */
function findUnknown(named: number | null, tokens: readonly string[], types: Uint8Array): number | null {
  if (named !== null) return named;
  const marked = types.indexOf(TOKEN_TYPE.unknown);
  return marked === -1 || marked >= tokens.length ? null : marked;
}

/** Every text has a spelling where every byte is a token, or where an unknown token stands in for it. */
function noticeMissingBytes(
  kind: Vocabulary['kind'],
  idOf: ReadonlyMap<string, number>,
  unknownId: number | null,
  notify: Notify,
): void {
  const spellings = kind === 'bpe' ? BYTE_ALPHABET : BYTE_ALPHABET.map((_, byte) => spellingOfByte(byte));
  const missing = spellings.filter((spelling) => !idOf.has(spelling)).length;
  if (missing === 0) return;
  const fate = unknownId === null ? 'is refused' : 'becomes the unknown token';
  const message = `${missing} of 256 bytes have no token: text that needs them ${fate}.`;
  notify({ severity: 'warning', code: 'BYTES-MISSING', message });
}

/** 10 -> `<0x0A>`. */
export function spellingOfByte(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

function readScores(reader: TokenizerKeys, tokens: readonly string[], notify: Notify): readonly number[] {
  const scores = reader.numbers('tokenizer.ggml.scores', tokens.length);
  if (scores !== null) return scores;
  const message = 'No tokenizer.ggml.scores in the file: every token scores 0, so the leftmost pair merges first.';
  notify({ severity: 'warning', code: 'SCORES-FALLBACK', message });
  return [];
}

/** null where the file names one that is not known here. */
function choosePreTokenizer(reader: TokenizerKeys, notify: Notify): PreTokenizer | null {
  const name = reader.string('tokenizer.ggml.pre') ?? '';
  const known = PRE_TOKENIZERS.get(name === '' ? DEFAULT_PRE : name) ?? null;
  if (known === null) {
    const message = `tokenizer.ggml.pre ${JSON.stringify(name)} is not known: text is refused, prompts are ids (--tokens).`;
    notify({ severity: 'warning', code: 'PRE-UNKNOWN', message });
  } else if (name === '') {
    const message =
      `No tokenizer.ggml.pre in the file: text is cut as "${DEFAULT_PRE}" does. ` +
      "Token ids may differ from those of the model's training.";
    notify({ severity: 'warning', code: 'PRE-FALLBACK', message });
  }
  return known;
}

/** What llama.cpp refuses a whole file for, as far as only an encoder needs it. */
function whyUnencodable(
  reader: TokenizerKeys,
  kind: Vocabulary['kind'],
  of: { pre: PreTokenizer | null; merges: readonly string[] | null; scores: readonly number[] },
): RefuteError | null {
  if (kind === 'bpe' && of.pre === null) {
    const is = `${JSON.stringify(reader.string('tokenizer.ggml.pre'))} is not known here`;
    return reader.error('E_TOKENIZER_PRE', 'tokenizer.ggml.pre', is, 'another cut gives other ids');
  }
  if (of.merges === null) {
    return reader.error('E_TOKENIZER_MERGES', 'tokenizer.ggml.merges', 'missing', 'byte-level BPE needs a list');
  }
  const broken = of.scores.findIndex((score) => Number.isNaN(score));
  if (broken === -1) return null;
  const is = `the score of token ${broken} is NaN`;
  return reader.error('E_TOKENIZER_SCORES', 'tokenizer.ggml.scores', is, 'merges are ordered by numbers');
}

function fallbackBos(
  reader: TokenizerKeys,
  spellings: readonly string[],
  idOf: ReadonlyMap<string, number>,
  types: Uint8Array,
  notify: Notify,
): number | null {
  const architecture = reader.string('general.architecture') ?? 'llama';
  const spelling = spellings.find((text) => types[idOf.get(text) ?? -1] === TOKEN_TYPE.control);
  if (spelling === undefined) return null;
  const id = idOf.get(spelling) ?? null;
  const message = `No tokenizer.ggml.bos_token_id in the file: using ${id} ("${spelling}"), the default for '${architecture}'.`;
  notify({ severity: 'note', code: 'BOS-FALLBACK', message });
  return id;
}

function readWantsBos(reader: TokenizerKeys, bosId: number | null, byKind: boolean, notify: Notify): boolean {
  const wantsBos = reader.flag('tokenizer.ggml.add_bos_token') ?? byKind;
  if (!wantsBos || bosId !== null) return wantsBos;
  const message = 'Prompts of this vocabulary start with a BOS token and the file names none: they start without one.';
  notify({ severity: 'warning', code: 'BOS-FALLBACK', message });
  return false;
}

function readWantsEos(reader: TokenizerKeys, eosId: number | null, notify: Notify): boolean {
  const wantsEos = reader.flag('tokenizer.ggml.add_eos_token') ?? false;
  if (!wantsEos || eosId !== null) return wantsEos;
  const message = 'Prompts of this vocabulary end with an EOS token and the file names none: they end without one.';
  notify({ severity: 'warning', code: 'EOS-FALLBACK', message });
  return false;
}

/** What llama.cpp takes for an empty template, or for the name that older files give in its place. */
const CHATML =
  "{%- for message in messages -%}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}{%- endfor -%}" +
  "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

function readTemplate(reader: TokenizerKeys, notify: Notify, isFolder: boolean): string | null {
  const stated = reader.string('tokenizer.chat_template');
  const named = reader.keysFrom('tokenizer.chat_template.').toSorted();
  if (isFolder || (stated !== null && stated !== '' && stated !== 'chatml')) {
    const message = `The file has chat templates named ${named.join(', ')}: the one without a name is used.`;
    if (named.length > 0) notify({ severity: 'note', code: 'TEMPLATE-NAMED', message });
    return stated;
  }
  const forTools = reader.string('tokenizer.chat_template.tool_use');
  const template = forTools ?? (stated === null ? null : CHATML);
  if (template === null && named.length === 0) return null;
  const use =
    template === null
      ? `of those named ${named.join(', ')} none is the default, so prompts are raw text`
      : `conversations go through ${forTools === null ? 'what llama.cpp calls chatml' : 'the template named tool_use'}, as in llama.cpp`;
  const message = `tokenizer.chat_template is ${JSON.stringify(stated)}: ${use}.`;
  notify({ severity: template === null ? 'warning' : 'note', code: 'TEMPLATE-NAMED', message });
  return template;
}
