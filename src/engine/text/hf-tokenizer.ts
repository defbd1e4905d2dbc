// tokenizer.json and the files beside it -> the tokenizer keys of GGUF, so that one reader
// checks every vocabulary. Text and ids are tokenizer.json's own affair (hf/): its parts have no keys in GGUF.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import { readTextFile } from '../formats/json-file.ts';
import type { Files } from '../io/files.ts';
import type { AddedToken } from './hf/added-tokens.ts';
import { readHfText, type CleanUp, type HfText } from './hf/hf-text.ts';
import type { ModelVocabulary } from './hf/model-types.ts';
import type { Json } from './hf/part.ts';
import { findTemplate } from './hf/template-files.ts';
import { readRebuilt, type Rebuilt } from './hf/rebuilt.ts';
import { objectOf, readTokenSettings, textOf, tokenizerClass, type TokenFiles } from './hf/token-settings.ts';
import { TOKEN_TYPE } from './vocabulary.ts';

export interface HfTokenizer {
  /** `tokenizer.ggml.*`, `tokenizer.chat_template`; empty where the folder has no tokenizer.json. */
  keys: ReadonlyMap<string, unknown>;
  tokenizer: {
    text: HfText | RefuteError;
    /** Transformers' own class, where it may give other ids. */
    rebuilt: Rebuilt | null;
    /** What a chat template may name, by the name. */
    texts: ReadonlyMap<string, string>;
    /** Why there is no template for a conversation though the folder has some. */
    templateError: RefuteError | null;
    /** Tokens without those that only the files beside tokenizer.json add. */
    rowsNeeded: number;
    endIds: readonly number[];
    notices: readonly Notice[];
  } | null;
}

export interface HfTextFiles {
  files: Files;
  folder: string;
  names: readonly string[];
  /** config.json and generation_config.json, flattened. */
  config: ReadonlyMap<string, unknown>;
  generation: ReadonlyMap<string, unknown>;
}

/** The largest in use, of 256,000 tokens, has 35 MB. */
const MAX_TOKENIZER_BYTES = 2 ** 28;
const MAX_SETTINGS_BYTES = 2 ** 22;
const MAX_TOKENS = 2 ** 24;

/** @throws RefuteError as readTextFile does, E_TOKENIZER_JSON */
export async function readHfTokenizer({ files, folder, names, config, generation }: HfTextFiles): Promise<HfTokenizer> {
  if (!names.includes('tokenizer.json')) return { keys: new Map(), tokenizer: withoutJson(folder, names) };
  const path = await files.pathIn(folder, 'tokenizer.json');
  const json = await readJson(files, path, MAX_TOKENIZER_BYTES);
  const beside = async (name: string): Promise<Json> =>
    names.includes(name) ? readJson(files, await files.pathIn(folder, name), MAX_SETTINGS_BYTES) : {};
  const settings = await beside('tokenizer_config.json');
  const namedClass = textOf(settings['tokenizer_class']) ?? textOf(config.get('tokenizer_class'));
  const className = tokenizerClass(namedClass, config.get('model_type'), kindOf(json) === 'gpt2');
  const said: TokenFiles = {
    settings,
    map: await beside('special_tokens_map.json'),
    added: await beside('added_tokens.json'),
    own: Array.isArray(json['added_tokens']) ? json['added_tokens'] : [],
    padding: json['padding'],
    className,
  };
  const { texts, added: more } = readTokenSettings(said);
  const vocabulary = readModelVocabulary(path, json);
  const text = textOrError(
    withAdded(json, more),
    vocabulary,
    cleanUpOf(settings),
    settings['split_special_tokens'] === true,
  );
  const added = text instanceof RefuteError ? [] : text.added;
  // A class that builds its own starts without those of tokenizer.json where the settings list some.
  const listsOwn = settings['added_tokens_decoder'] !== undefined;
  const tokensOfClass = listsOwn ? readTokenSettings({ ...said, own: [] }).added : [...said.own, ...more];
  const cleanUp = cleanUpOf(settings);
  const built =
    text instanceof RefuteError
      ? { rebuilt: null, notices: [] }
      : readRebuilt({ json, vocabulary, text, className, settings, tokens: tokensOfClass, cleanUp });
  const others = onlyBeside(more, added, json);
  const { tokens, types } = listTokens(path, json, vocabulary, added);
  const idOf = (name: string): number | null => {
    const content = texts.get(name);
    return content === undefined
      ? null
      : (added.find((token) => token.content === content)?.id ?? vocabulary.get(content) ?? null);
  };
  const [first] = text instanceof RefuteError ? [] : text.frame.before;
  const bosId = idOf('bos_token') ?? first ?? null;
  const eosId = idOf('eos_token');
  const { template, notices } = await findTemplate(files, folder, names, settings['chat_template']);
  const keys = new Map<string, unknown>([
    ['tokenizer.ggml.model', kindOf(json)],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.add_bos_token', first !== undefined],
  ]);
  if (bosId !== null) keys.set('tokenizer.ggml.bos_token_id', bosId);
  if (eosId !== null) keys.set('tokenizer.ggml.eos_token_id', eosId);
  if (typeof template === 'string') keys.set('tokenizer.chat_template', template);
  // As `generate` of Transformers has them: of config.json only where there is no generation_config.json.
  const ends = [generation.size === 0 ? config.get('eos_token_id') : generation.get('eos_token_id')].flat();
  const endIds = ends.filter((id): id is number => typeof id === 'number' && id >= 0 && id < tokens.length);
  return {
    keys,
    tokenizer: {
      text,
      rebuilt: built.rebuilt,
      texts,
      templateError: template instanceof RefuteError ? template : null,
      rowsNeeded: tokens.length - others.filter(({ id }) => id >= vocabulary.size).length,
      endIds,
      notices: [...idNotices(added), ...moreNotices(others), ...built.notices, ...settingNotices(settings), ...notices],
    },
  };
}

const OTHER_FILES = ['vocab.json', 'merges.txt', 'tokenizer.model', 'spiece.model', 'tekken.json', 'vocab.txt'];

/** Other files of a tokenizer are named, and not read. */
function withoutJson(folder: string, names: readonly string[]): HfTokenizer['tokenizer'] {
  const found = OTHER_FILES.filter((name) => names.includes(name));
  if (found.length === 0) return null;
  const text = new RefuteError({
    code: 'E_TOKENIZER_JSON',
    place: folder,
    is: `there is no tokenizer.json, and ${found.join(', ')} of a tokenizer are not read`,
    next: 'Transformers writes one: AutoTokenizer.from_pretrained(folder).save_pretrained(folder). Or give ids: --tokens 1,5,9',
  });
  return { text, rebuilt: null, texts: new Map(), templateError: null, rowsNeeded: 0, endIds: [], notices: [] };
}

/** A setting that changes ids in Transformers and is not followed. */
function settingNotices(settings: Json): Notice[] {
  if (settings['fix_mistral_regex'] !== true) return [];
  const message =
    'tokenizer_config.json: fix_mistral_regex is true, which is not followed. Transformers then cuts the text of a ' +
    'Mistral model by another expression.';
  return [{ severity: 'warning', code: 'TOKENIZER-SETTING', message }];
}

/** Whole tokens that only other files name are added as Transformers adds them. */
function withAdded(json: Json, more: readonly Json[]): Json {
  const own = json['added_tokens'] ?? [];
  return more.length === 0 || !Array.isArray(own) ? json : { ...json, added_tokens: [...(own as unknown[]), ...more] };
}

function onlyBeside(more: readonly Json[], added: readonly AddedToken[], json: Json): AddedToken[] {
  const own = new Set((Array.isArray(json['added_tokens']) ? (json['added_tokens'] as unknown[]) : []).map(textOf));
  const names = new Set(more.map(textOf).filter((content) => !own.has(content)));
  return added.filter(({ content }) => names.has(content));
}

function moreNotices(tokens: readonly AddedToken[]): Notice[] {
  return tokens.slice(0, 5).map(({ id, content }) => {
    const message =
      `${JSON.stringify(content)} is a token by the files beside tokenizer.json, or by the tokenizer's class; ` +
      `its id is ${id}, as in Transformers.`;
    return { severity: 'note', code: 'TOKEN-ADDED', message };
  });
}

/** Transformers numbers as the library does, and goes by what the library says. */
function idNotices(added: readonly AddedToken[]): Notice[] {
  return added
    .filter(({ id, statedId }) => id !== statedId)
    .slice(0, 5)
    .map(({ id, statedId, content }) => {
      const message =
        `The file gives ${JSON.stringify(content)} the id ${statedId}; it is ${id}, ` +
        'the place that the tokenizers library has for it whatever the file says.';
      return { severity: 'warning', code: 'TOKEN-ID', message };
    });
}

/** Transformers spares BPE unless it is told to spoil its text. */
function cleanUpOf(settings: Json): CleanUp {
  if (settings['clean_up_tokenization_spaces'] !== true) return 'never';
  const isForced = settings['clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output'] === true;
  return isForced ? 'always' : 'not BPE';
}

/** What is not followed leaves ids: a model runs without text. */
function textOrError(
  json: Json,
  vocabulary: ModelVocabulary,
  cleanUp: CleanUp,
  splitsSpecial: boolean,
): HfText | RefuteError {
  try {
    const text = readHfText(json, vocabulary, { cleanUp });
    return splitsSpecial ? { ...text, encode: (given) => text.encode(given, false) } : text;
  } catch (error) {
    if (error instanceof RefuteError) return error;
    throw error;
  }
}

async function readJson(files: Files, path: string, maxBytes: number): Promise<Json> {
  const text = await readTextFile(files, path, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is: 'it is not JSON', cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is: 'its value is not an object' });
}

/** A Unigram model lists pairs. This kind is not supported as text: prompts and output are ids. */
function readModelVocabulary(path: string, json: Json): ModelVocabulary {
  const { vocab } = objectOf(json['model']);
  const vocabulary = new Map<string, number>(
    Array.isArray(vocab) ? [] : Object.entries(objectOf(vocab) as Record<string, number>),
  );
  for (const [token, id] of vocabulary) assertId(path, token, id);
  return vocabulary;
}

function assertId(path: string, token: string, id: unknown): void {
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id < MAX_TOKENS) return;
  const is = `the id of ${JSON.stringify(token.slice(0, 60))} is ${String(id).slice(0, 30)}`;
  throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is, allowed: `0 to ${MAX_TOKENS - 1}` });
}

function listTokens(
  path: string,
  json: Json,
  vocabulary: ModelVocabulary,
  added: readonly AddedToken[],
): { tokens: string[]; types: number[] } {
  let count = 0;
  for (const id of vocabulary.values()) count = Math.max(count, id + 1);
  for (const { id } of added) count = Math.max(count, id + 1);
  // Ids may have gaps, but a list of them would be large for nothing.
  if (count > 2 * (vocabulary.size + added.length) + 65_536) {
    const is = `it has ${vocabulary.size + added.length} tokens and ids up to ${count - 1}`;
    throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: path, is });
  }
  const { unk_token: unknown } = objectOf(json['model']);
  const tokens: string[] = Array.from({ length: count }, (_, id) => `[PAD${id}]`);
  const types = Array.from<number>({ length: count }).fill(TOKEN_TYPE.unused);
  const hasByteTokens = kindOf(json) === 'llama';
  for (const [token, id] of vocabulary) {
    tokens[id] = token;
    types[id] = hasByteTokens && /^<0x[0-9A-F]{2}>$/.test(token) ? TOKEN_TYPE.byte : TOKEN_TYPE.normal;
  }
  for (const { id, content, isSpecial } of added) {
    tokens[id] = content;
    types[id] = isSpecial ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
    if (content === unknown) types[id] = TOKEN_TYPE.unknown;
  }
  return { tokens, types };
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

/** A part by itself, or those of a Sequence. */
function partsOf(value: unknown, listKey: string): Json[] {
  const part = objectOf(value);
  const list = part[listKey];
  return part['type'] === 'Sequence' && Array.isArray(list) ? (list as unknown[]).map(objectOf) : [part];
}
