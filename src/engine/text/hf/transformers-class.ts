// What a class of tokenizer of Transformers 5 builds by itself: of tokenizer.json it then takes the vocabulary, the merges
// and the post-processor only. Which class a folder has is said in token-settings.ts.
import type { Json } from './part.ts';

/** In the place of tokenizer.json's. */
export interface ClassParts {
  normalizer: Json | null;
  pre_tokenizer: Json;
  decoder: Json;
  model: Json;
}

/** Classes that build their own; of these the parts are not known here. */
const OTHERS: ReadonlySet<string> = new Set(
  (
    'Albert Barthez Bert BigBird Blenderbot CLIP Camembert CodeGen Cohere Deberta DebertaV2 DistilBert Esmc Funnel ' +
    'GPTNeoX Herbert LayoutLMv2 LayoutLMv3 LayoutXLM Luke MBart50 MBart MPNet MarkupLM Nllb Nougat OpenAIGPT Pegasus ' +
    'Qwen3_5 Reformer RemBert RoFormer Roberta SeamlessM4T Splinter T5 Udop Whisper XGLM XLMRoberta XLNet'
  )
    .split(' ')
    .map((name) => `${name}Tokenizer`),
);

/** null for a class that builds parts which are not known here; undefined for one that follows tokenizer.json. */
export function classParts(name: string, settings: Json): ClassParts | null | undefined {
  return BUILDERS.get(name)?.(settings) ?? (OTHERS.has(name) ? null : undefined);
}

const sequence = (key: string, ...parts: Json[]): Json => ({ type: 'Sequence', [key]: parts });
const SPACES = sequence(
  'decoders',
  { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
  { type: 'ByteFallback' },
  { type: 'Fuse' },
);
const UNSPACED = sequence('decoders', ...(SPACES['decoders'] as Json[]), {
  type: 'Strip',
  content: ' ',
  start: 1,
  stop: 0,
});
const byteLevel = (more: Json): Json => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, ...more });
const BYTES_MODEL: Json = { unk_token: null, fuse_unk: false, byte_fallback: false };
const FALLBACK_MODEL: Json = { unk_token: null, fuse_unk: true, byte_fallback: true };

function metaspaced(settings: Json, scheme: string): ClassParts {
  const isPrefixed = (settings['add_prefix_space'] ?? true) !== false;
  return {
    normalizer: null,
    pre_tokenizer: {
      type: 'Metaspace',
      replacement: '▁',
      prepend_scheme: isPrefixed ? scheme : 'never',
      split: false,
    },
    decoder: isPrefixed ? UNSPACED : SPACES,
    model: FALLBACK_MODEL,
  };
}

const QWEN2_WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const BUILDERS: ReadonlyMap<string, (settings: Json) => ClassParts> = new Map([
  [
    'LlamaTokenizer',
    (settings: Json): ClassParts => metaspaced(settings, settings['legacy'] === true ? 'always' : 'first'),
  ],
  ['CodeLlamaTokenizer', (settings: Json): ClassParts => ({ ...metaspaced(settings, 'first'), decoder: UNSPACED })],
  [
    'Qwen2Tokenizer',
    (settings: Json): ClassParts => ({
      normalizer: { type: 'NFC' },
      pre_tokenizer: sequence(
        'pretokenizers',
        { type: 'Split', pattern: { Regex: QWEN2_WORDS }, behavior: 'Isolated', invert: false },
        byteLevel({ add_prefix_space: settings['add_prefix_space'] === true, use_regex: false }),
      ),
      decoder: byteLevel({}),
      model: BYTES_MODEL,
    }),
  ],
  [
    'GemmaTokenizer',
    (settings: Json): ClassParts => ({
      normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
      decoder: SPACES,
      model: {
        ...FALLBACK_MODEL,
        unk_token: typeof settings['unk_token'] === 'string' ? settings['unk_token'] : '<unk>',
      },
    }),
  ],
  [
    'GPT2Tokenizer',
    (settings: Json): ClassParts => ({
      normalizer: null,
      pre_tokenizer: byteLevel({ add_prefix_space: settings['add_prefix_space'] === true, use_regex: true }),
      decoder: byteLevel({}),
      model: BYTES_MODEL,
    }),
  ],
]);

/** What of a class's parts is not tokenizer.json's: spellings of the same are not told apart. */
export function differingParts(json: Json, parts: ClassParts): string[] {
  const keys = ['normalizer', 'pre_tokenizer', 'decoder'] as const;
  return keys.filter((key) => JSON.stringify(plain(json[key], key)) !== JSON.stringify(plain(parts[key], key)));
}

/** Without what changes no text or id, keys in order. */
function plain(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (Array.isArray(value)) return (value as unknown[]).map((item) => plain(item, key));
  const json = value as Json;
  if (json['type'] === 'ByteLevel' && key === 'decoder') return { type: 'ByteLevel' };
  const list = json['type'] === 'Sequence' ? Object.values(json).find((item) => Array.isArray(item)) : undefined;
  if (Array.isArray(list) && list.length < 2) return plain((list as unknown[])[0], key);
  const defaults = json['type'] === 'ByteLevel' ? { use_regex: true } : {};
  return Object.entries({ ...defaults, ...json })
    .filter(([name]) => name !== 'trim_offsets')
    .map(([name, item]) => [name, plain(item, key)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}
