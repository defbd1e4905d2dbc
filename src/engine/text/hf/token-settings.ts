// What tokenizer_config.json and the older files beside it say about tokens, as Transformers 5 takes it: the texts that a
// chat template may name (`bos_token`, `image_token`, …), and whole tokens that tokenizer.json lacks.
import { RefuteError } from '../../../errors.ts';
import type { Json } from './part.ts';

export interface TokenSettings {
  /** By the name that a template uses. */
  texts: ReadonlyMap<string, string>;
  /** To follow tokenizer.json's `added_tokens`, in its form; a text that is there already has these flags. */
  added: readonly Json[];
}

export interface TokenFiles {
  /** tokenizer_config.json, special_tokens_map.json, added_tokens.json. */
  settings: Json;
  map: Json;
  added: Json;
  /** `added_tokens` and `padding` of tokenizer.json. */
  own: readonly unknown[];
  padding: unknown;
  className: string | null;
}

const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/** What a template is given beside them. */
const TAKEN = ['messages', 'tools', 'documents', 'add_generation_prompt'];

type Texts = Readonly<Record<string, string>>;

/** What Transformers' classes take where the files do not name a token at all. */
const CLASS_TEXTS: Readonly<Record<string, Texts>> = {
  LlamaTokenizer: { unk_token: '<unk>', bos_token: '<s>', eos_token: '</s>' },
  CodeLlamaTokenizer: {
    unk_token: '<unk>',
    bos_token: '<s>',
    eos_token: '</s>',
    prefix_token: '▁<PRE>',
    middle_token: '▁<MID>',
    suffix_token: '▁<SUF>',
    eot_token: '▁<EOT>',
    fill_token: '<FILL_ME>',
  },
  Qwen2Tokenizer: { unk_token: '<|endoftext|>', eos_token: '<|endoftext|>', pad_token: '<|endoftext|>' },
  GPT2Tokenizer: { unk_token: '<|endoftext|>', bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' },
  GemmaTokenizer: {
    unk_token: '<unk>',
    bos_token: '<bos>',
    eos_token: '<eos>',
    pad_token: '<pad>',
    mask_token: '<mask>',
  },
  CohereTokenizer: {
    unk_token: '<UNK>',
    bos_token: '<BOS_TOKEN>',
    eos_token: '<|END_OF_TURN_TOKEN|>',
    pad_token: '<PAD>',
    cls_token: '<CLS>',
    sep_token: '<SEP>',
    mask_token: '<MASK_TOKEN>',
  },
};

const PLAIN = 'PreTrainedTokenizer';
const CLASS_OF_TYPE: ReadonlyMap<unknown, string> = new Map([
  ...['qwen2', 'qwen3', 'qwen3_moe'].map((type) => [type, 'Qwen2Tokenizer'] as const),
  ...['gemma', 'gemma2', 'gemma3', 'gemma3_text'].map((type) => [type, 'GemmaTokenizer'] as const),
  ...['mistral', 'phi3'].map((type) => [type, PLAIN] as const),
]);
/** Types whose files name a wrong class so often that Transformers does not look. */
const DISTRUSTED: ReadonlySet<unknown> = new Set(['qwen2', 'phi3']);

/** The class that AutoTokenizer takes. @param named `tokenizer_class` of tokenizer_config.json or config.json */
export function tokenizerClass(named: string | null, modelType: unknown, isByteLevel: boolean): string | null {
  const hub = named?.replace(/Fast$/, '') ?? null;
  const registered = CLASS_OF_TYPE.get(modelType) ?? null;
  if (hub === 'LlamaTokenizer' && isByteLevel && !DISTRUSTED.has(modelType)) return null;
  if (hub === null || registered === null || hub === registered) return hub ?? registered;
  return registered === PLAIN || DISTRUSTED.has(modelType) ? registered : hub;
}

/** @throws RefuteError E_TOKENIZER_JSON */
export function readTokenSettings(files: TokenFiles): TokenSettings {
  const { settings, className } = files;
  const stated = objectOf(settings['added_tokens_decoder']);
  const isLegacy = settings['added_tokens_decoder'] === undefined;
  const values: Json = isLegacy ? { ...settings, ...files.map } : settings;
  const texts = new Map<string, unknown>(Object.entries(CLASS_TEXTS[className ?? ''] ?? {}));
  const padding = objectOf(files.padding)['pad_token'];
  if (padding !== undefined && !texts.has('pad_token')) texts.set('pad_token', padding);
  for (const [name, value] of Object.entries(values)) {
    const isToken = value === null || textOf(value) !== null;
    if (NAMES.includes(name) && !isToken) throw notAToken(name, value);
    if (NAMES.includes(name) || (name.endsWith('_token') && isToken)) texts.set(name, value);
  }
  const extra = values['extra_special_tokens'];
  const extras = extraTokens(settings, isLegacy ? files.map : {});
  for (const more of [Array.isArray(extra) ? {} : extra, values['model_specific_special_tokens']]) {
    for (const [name, value] of Object.entries(objectOf(more))) {
      if (TAKEN.includes(name)) throw notAToken(name, value);
      texts.set(name, value);
    }
  }
  const named = [...texts].flatMap(([name, value]): [string, unknown][] =>
    textOf(value) === null ? [] : [[name, value]],
  );
  const added = Object.entries(isLegacy ? {} : stated)
    .map(([id, token]): Json => whole(token, { id: Number(id) }))
    .toSorted((a, b) => Number(a['id']) - Number(b['id']));
  const specials = new Set([...named.map(([, value]) => textOf(value)), ...extras.map(textOf)]);
  if (isLegacy) {
    const byId = Object.entries(files.added).toSorted(([, a], [, b]) => Number(a) - Number(b));
    for (const [content, id] of byId) added.push(whole(content, { id, special: specials.has(content) }));
  }
  const known = new Set([...files.own, ...added].map(textOf));
  for (const value of [...named.toSorted(byPlace).map(([, value]) => value), ...extras]) {
    const content = textOf(value);
    if (content === null || content === '' || known.has(content)) continue;
    known.add(content);
    const isNamed = named.some(([, token]) => token === value);
    added.push(whole(value, isNamed || typeof value === 'string' ? { special: true } : {}));
  }
  // A class that builds its own adds those again.
  const again = className !== null && className in CLASS_TEXTS ? files.own.map(objectOf) : [];
  const roles = new Set(named.map(([, value]) => textOf(value)));
  for (const token of again) {
    if (token['special'] === false && roles.has(textOf(token))) added.push({ ...token, special: true });
  }
  return { texts: new Map(named.map(([name, value]) => [name, textOf(value) ?? ''])), added };
}

/** Those without a role. The older key counts where the newer one lists nothing, and the map's where neither does. */
function extraTokens(settings: Json, map: Json): unknown[] {
  const listOf = (json: Json, key: string): unknown[] => (Array.isArray(json[key]) ? (json[key] as unknown[]) : []);
  const [newer, older] = ['extra_special_tokens', 'additional_special_tokens'] as const;
  const own = [listOf(settings, newer), listOf(settings, older)].find(({ length }) => length > 0) ?? [];
  const all = [...own, ...listOf(map, newer)];
  return all.length > 0 ? all : listOf(map, older);
}

function notAToken(name: string, value: unknown): RefuteError {
  const is = `${name} is ${JSON.stringify(value).slice(0, 60)}`;
  const allowed = 'a text or a token is needed';
  return new RefuteError({ code: 'E_TOKENIZER_JSON', place: 'tokenizer_config.json', is, allowed });
}

/** In the order of `NAMES`, others behind them as they come. */
function byPlace([a]: [string, unknown], [b]: [string, unknown]): number {
  const place = (name: string): number => (NAMES.includes(name) ? NAMES.indexOf(name) : NAMES.length);
  return place(a) - place(b);
}

/** A token as tokenizer.json writes it out. */
function whole(token: unknown, more: Json): Json {
  const given: Json = typeof token === 'string' ? { content: token } : objectOf(token);
  const special = more['special'] ?? given['special'] ?? false;
  return { single_word: false, lstrip: false, rstrip: false, normalized: special !== true, ...given, ...more, special };
}

/** A token is a string, or an object that holds one. */
export function textOf(value: unknown): string | null {
  const text = typeof value === 'object' && value !== null ? objectOf(value)['content'] : value;
  return typeof text === 'string' ? text : null;
}

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
