// tokenizer.json, tokenizer_config.json and chat_template.jinja -> the tokenizer keys of GGUF, so that one reader
// checks every vocabulary. Merging stays with tokenizer.json itself: its normalizer and pre-tokenizer have no key in
// GGUF.
import { RefuteError } from '../../errors.ts';
import { readTextFile } from '../formats/json-file.ts';
import { pathIn } from '../io/list-folder.ts';
import type { TokenizerJson } from './hf-encoder.ts';
import { TOKEN_TYPE } from './vocabulary.ts';

export interface HfTokenizer {
  /** `tokenizer.ggml.*`, `tokenizer.chat_template`; empty where the folder has no tokenizer.json. */
  keys: ReadonlyMap<string, unknown>;
  tokenizer: { json: TokenizerJson; endIds: readonly number[] } | null;
}

export interface HfTextFiles {
  folder: string;
  names: readonly string[];
  /** config.json and generation_config.json, flattened. */
  config: ReadonlyMap<string, unknown>;
  generation: ReadonlyMap<string, unknown>;
}

/** The largest in use, of 256,000 tokens, has 35 MB. */
const MAX_TOKENIZER_BYTES = 2 ** 28;
const MAX_TEMPLATE_BYTES = 2 ** 22;
const MAX_TOKENS = 2 ** 24;

/** Tokens that tokenizer_config.json names, for the chat template only. */
const NAMED = [
  ['unk_token', 'tokenizer.ggml.unknown_token_id'],
  ['sep_token', 'tokenizer.ggml.seperator_token_id'],
  ['pad_token', 'tokenizer.ggml.padding_token_id'],
  ['cls_token', 'tokenizer.ggml.cls_token_id'],
  ['mask_token', 'tokenizer.ggml.mask_token_id'],
] as const;

type Json = Readonly<Record<string, unknown>>;

/** @throws RefuteError as readTextFile does, E_TOKENIZER_JSON */
export async function readHfTokenizer(files: HfTextFiles): Promise<HfTokenizer> {
  const { folder, names, config, generation } = files;
  if (!names.includes('tokenizer.json')) return { keys: new Map(), tokenizer: null };
  const path = await pathIn(folder, 'tokenizer.json');
  const json = await readJson(path, MAX_TOKENIZER_BYTES);
  const settings = names.includes('tokenizer_config.json')
    ? await readJson(await pathIn(folder, 'tokenizer_config.json'), MAX_TEMPLATE_BYTES)
    : {};
  const { tokens, types, isSpecial } = readTokens(path, json);
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const first = firstSpecial(json);
  const bosId = idOf.get(first ?? '') ?? idOf.get(textOf(settings['bos_token']) ?? '') ?? null;
  const eosId = idOf.get(textOf(settings['eos_token']) ?? '') ?? null;
  const template = names.includes('chat_template.jinja')
    ? await readTextFile(await pathIn(folder, 'chat_template.jinja'), MAX_TEMPLATE_BYTES)
    : templateOf(settings['chat_template']);
  const model = objectOf(json['model']);
  const keys = new Map<string, unknown>([
    ['tokenizer.ggml.model', kindOf(json)],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', types],
    // The merges decide. The reader of SentencePiece vocabularies wants a score for each token, so each has 0.
    ['tokenizer.ggml.scores', tokens.map(() => 0)],
    ['tokenizer.ggml.merges', mergesOf(model['merges'])],
    ['tokenizer.ggml.add_bos_token', first !== null && bosId !== null],
    ['tokenizer.ggml.add_space_prefix', hasSpacePrefix(json)],
  ]);
  if (bosId !== null) keys.set('tokenizer.ggml.bos_token_id', bosId);
  if (eosId !== null) keys.set('tokenizer.ggml.eos_token_id', eosId);
  for (const [name, key] of NAMED) {
    const id = idOf.get(textOf(settings[name]) ?? '');
    if (id !== undefined) keys.set(key, id);
  }
  if (template !== null) keys.set('tokenizer.chat_template', template);
  const named = [generation.get('eos_token_id'), config.get('eos_token_id')].flat();
  const endIds = named.filter((id): id is number => typeof id === 'number' && isSpecial(id));
  return { keys, tokenizer: { json: json as TokenizerJson, endIds } };
}

async function readJson(path: string, maxBytes: number): Promise<Json> {
  const text = await readTextFile(path, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is: 'it is not JSON', cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is: 'its value is not an object' });
}

function readTokens(
  path: string,
  json: Json,
): { tokens: string[]; types: number[]; isSpecial: (id: number) => boolean } {
  const { vocab, unk_token: unknown } = objectOf(json['model']);
  const added = (Array.isArray(json['added_tokens']) ? (json['added_tokens'] as unknown[]) : []).map(objectOf);
  // A Unigram model lists pairs. This kind is not supported as text: prompts and output are ids.
  const entries: (readonly [string, unknown])[] = Array.isArray(vocab) ? [] : Object.entries(objectOf(vocab));
  for (const token of added) entries.push([String(token['content']), token['id']]);
  const byId = new Map<number, string>();
  for (const [token, id] of entries) {
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || id >= MAX_TOKENS) {
      const is = `the id of ${JSON.stringify(token.slice(0, 60))} is ${String(id).slice(0, 30)}`;
      throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is, allowed: `0 to ${MAX_TOKENS - 1}` });
    }
    byId.set(id, token);
  }
  const count = [...byId.keys()].reduce((most, id) => Math.max(most, id + 1), 0);
  // Ids may have gaps, but a list of them would be large for nothing.
  if (count > 2 * byId.size + 65_536) {
    const is = `it has ${byId.size} tokens and ids up to ${count - 1}`;
    throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is });
  }
  const special = new Map(added.map((token) => [token['id'], token['special'] === true]));
  const hasByteTokens = kindOf(json) === 'llama';
  const tokens = Array.from({ length: count }, (_, id) => byId.get(id) ?? `[PAD${id}]`);
  const types = tokens.map((token, id) => {
    if (!byId.has(id)) return TOKEN_TYPE.unused;
    if (token === unknown && special.has(id)) return TOKEN_TYPE.unknown;
    const isSpecial = special.get(id);
    if (isSpecial !== undefined) return isSpecial ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
    return hasByteTokens && /^<0x[0-9A-F]{2}>$/.test(token) ? TOKEN_TYPE.byte : TOKEN_TYPE.normal;
  });
  return { tokens, types, isSpecial: (id) => special.get(id) === true };
}

/** `gpt2` and `llama` as GGUF means them; another name is refused when text is asked for. */
function kindOf(json: Json): string {
  const model = objectOf(json['model']);
  // Older files leave the type out.
  const type = textOf(model['type']) ?? 'BPE';
  if (type !== 'BPE') return type;
  if (partsOf(json['pre_tokenizer'], 'pretokenizers').some((part) => part['type'] === 'ByteLevel')) return 'gpt2';
  return model['byte_fallback'] === true ? 'llama' : 'BPE without bytes';
}

/** True where the tokenizer puts a space before every text. */
function hasSpacePrefix(json: Json): boolean {
  const normalizers = partsOf(json['normalizer'], 'normalizers');
  const preTokenizers = partsOf(json['pre_tokenizer'], 'pretokenizers');
  return (
    normalizers.some((part) => part['type'] === 'Prepend' && part['prepend'] === '▁') ||
    preTokenizers.some((part) => part['type'] === 'Metaspace' && (part['prepend_scheme'] ?? 'always') !== 'never')
  );
}

/** The token that the post-processor puts before a text. */
function firstSpecial(json: Json): string | null {
  for (const part of partsOf(json['post_processor'], 'processors')) {
    const [first] = part['type'] === 'TemplateProcessing' && Array.isArray(part['single']) ? part['single'] : [];
    const id = textOf(objectOf(objectOf(first)['SpecialToken'])['id']);
    if (id !== null) return id;
  }
  return null;
}

/** A part by itself, or those of a Sequence. */
function partsOf(value: unknown, listKey: string): Json[] {
  const part = objectOf(value);
  const list = part[listKey];
  return part['type'] === 'Sequence' && Array.isArray(list) ? (list as unknown[]).map(objectOf) : [part];
}

/** "left right", or [left, right] as written since Transformers 4.45. */
function mergesOf(value: unknown): unknown {
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).map((merge) => (Array.isArray(merge) ? merge.join(' ') : merge));
}

/** One template; of a list of named ones, the one named `default`. */
function templateOf(value: unknown): string | null {
  if (!Array.isArray(value)) return textOf(value);
  const named = (value as unknown[]).map(objectOf).find(({ name }) => name === 'default');
  return textOf(named?.['template']);
}

/** A token is a string, or an object that holds one. */
function textOf(value: unknown): string | null {
  const text = typeof value === 'object' && value !== null ? objectOf(value)['content'] : value;
  return typeof text === 'string' ? text : null;
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
