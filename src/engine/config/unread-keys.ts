// Keys of a file that the config does not hold. Config lost in silence is a bug class of its own, so a key that changes
// the forward pass of some known family is refused with its name, unless it says what is done anyway. Lists of every
// format name the harmless ones with a reason; what is in no list is judged by the words of its name.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import { quoted, shownValue } from '../formats/quoted.ts';
import type { ModelConfig } from '../program/config.ts';
import type { ConfigReader } from './config-reader.ts';

/** What the config makes of a key that it does not read: the values that would say the same. */
export type Meaning = (config: Omit<ModelConfig, 'provenance'>) => readonly unknown[];

export interface KnownKeys {
  /** Read elsewhere. */
  read: readonly string[];
  /** Keys that no forward pass hangs on, by the reason why. */
  harmless: Readonly<Record<string, readonly RegExp[]>>;
  /** Other words for what is read, and what is not supported, each with the values that leave the pass as it is. */
  neutral: Readonly<Record<string, readonly unknown[] | Meaning>>;
  /** Keys that neither reference reads but somebody may, each with what is to be said of it. */
  told?: readonly (Notice & { key: RegExp })[];
}

/** Parts of names that speak of a forward pass. A key that has one is refused if no list has it and it is switched on. */
const FORWARD_WORDS = words(
  '[a-z]*scal(?:e|es|ed|ing|ar)|mult(?:iplier)?s?|factors?|ratio|(?:soft)?cap(?:s|ped|ping)?|clip(?:ped|ping)?|clamp(?:ed)?',
  '(?:m|long)?ropes?|xpos|rotary|rotates?|theta|freqs?|nopes?|yarn|ntk|alibi|positional|pos|relative|buckets?|distance',
  'temperature|alpha|beta|gamma|lambdas?|mup|[a-z]*norm(?:s|ed|alization|alize|alized|alised)?|rms|eps(?:ilon)?|bias(?:es|ed)?',
  'windows?|swa|sliding|sparse|sparsity|chunk(?:ed|s)?|causal|bidirectional|mask(?:s|ing)?|sinks?|interleaved?|hybrid|patterns?',
  'act|afn|activations?|gelu|relu|silu|swish|(?:swi|ge|re)?glu|gate|gates|gated|gating|soft(?:max|pick)|tanh|sigmoid|(?:bit)?linear|bottleneck',
  'moe|experts?|routers?|routed|routing|topk|dense|cycles?|loops?|skip|timescales?|shift|smear',
  'attn|attention|heads?|[qkv]|qkv?|kqv|kv|mq[av]|gqa|mla|nsa|query|queries|proj|projections?|index(?:er)?',
  'residuals?|resformer|parallel|layers?|blocks?|mlp|ffn?|dff|feed[a-z]*|intermediate|hidden|inner|embd?|embed(?:ding)?s?|logits?|tied?',
  'dims?|ndims|ranks?|lora|dora|adapters?|peft|conv|ssm|mamba|kda|wkv|dt|recurren(?:t|ce)',
  'delta|nextn|mtp|compression|prun(?:e|ed|ing)|(?:de)?quant(?:s|ize|ized|ization|isation)?|bitnet|bits?|altup|laurel|hyper|hc|ngrams?|engram',
);
/** The same of words that people have for other things too: where the value is a text, it is one of those. */
const GENERAL_WORDS = words(
  'bases?|positions?|pre|post|local|global|shared?|groups?|grouped|period|keys?|values?|depth|width|sizes?|expand',
  'time|mem|memory|states?|pct|percent',
);

function words(...lines: readonly string[]): RegExp {
  return new RegExp(`(?<![a-z])(?:${lines.join('|')})(?![a-z])`);
}

/** @throws RefuteError E_CONFIG_UNSUPPORTED: a key that is refused whatever the other keys say */
export function reportUnreadKeys(reader: ConfigReader, known: KnownKeys): void {
  const read = new Set(known.read);
  const harmless = Object.values(known.harmless).flat();
  const unknown: string[] = [];
  const told = new Set<string>();
  const refused: string[] = [];
  for (const key of reader.keys()) {
    if (read.has(key) || reader.isNull(key)) continue;
    const neutral = Object.hasOwn(known.neutral, key) ? known.neutral[key] : undefined;
    const value = reader.get(key);
    if (neutral !== undefined) {
      const isList = typeof neutral !== 'function';
      if (isList && !neutral.some((one) => says(value, one))) refuse(reader, key, neutral[0]);
      continue;
    }
    if (harmless.some((pattern) => pattern.test(key)) || isOff(value)) continue;
    const notice = known.told?.find((one) => one.key.test(key));
    if (notice !== undefined && !told.has(notice.code)) {
      const { severity, code, message } = notice;
      told.add(code);
      reader.notices.push({ severity, code, message: `${reader.full(key)} is there: ${message}` });
    }
    if (notice === undefined) (speaksOfPass(inWords(key), value) ? refused : unknown).push(key);
  }
  // After the listed ones, which say more: quant_method before the bits.
  for (const key of refused) refuse(reader, key);
  if (unknown.length === 0) return;
  const names = unknown.slice(0, 8).map((key) => quoted(reader.full(key)));
  const rest = unknown.length > 8 ? ` and ${unknown.length - 8} more` : '';
  const message = `Not known and not read: ${names.join(', ')}${rest}.`;
  reader.notices.push({ severity: 'note', code: 'CONFIG-UNREAD-KEY', message });
}

/**
 * The keys that say in other words what the config says too: both must say the same.
 *
 * @throws RefuteError E_CONFIG_UNSUPPORTED
 */
export function checkOtherWords(reader: ConfigReader, known: KnownKeys, config: Omit<ModelConfig, 'provenance'>): void {
  const read = new Set(known.read);
  for (const key of reader.keys()) {
    const meaning = Object.hasOwn(known.neutral, key) ? known.neutral[key] : undefined;
    if (typeof meaning !== 'function' || read.has(key) || reader.isNull(key)) continue;
    const meant = meaning(config);
    if (!meant.some((one) => says(reader.get(key), one))) refuse(reader, key, meant[0]);
  }
}

function refuse(reader: ConfigReader, key: string, neutral?: unknown): never {
  const is = `${reader.full(key)} is ${shownValue(reader.get(key))}`;
  const instead = neutral === undefined ? '' : ` (${shownValue(neutral)} would be)`;
  const allowed = `it changes the forward pass and is not supported${instead}`;
  throw new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: reader.path, is, allowed });
}

/** A list says what each of its elements says, as one value per layer. Numbers of float32 are near those of a rule. */
function says(stated: unknown, meant: unknown): boolean {
  if (Array.isArray(stated)) return stated.every((one) => says(one, meant));
  if (typeof stated === 'number' && typeof meant === 'number') {
    return Math.abs(stated - meant) <= 1e-6 * Math.abs(meant);
  }
  if (typeof stated === 'string' && typeof meant === 'string') return stated.toLowerCase() === meant;
  return stated === meant;
}

/** Nothing that is named is done. A 0 in a list is not off: it may name the first layer. */
function isOff(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((one) => one === false || one === null);
  return value === false || value === 0 || value === 0n || value === '' || value === null;
}

function speaksOfPass(key: string, value: unknown): boolean {
  return FORWARD_WORDS.test(key) || (typeof value !== 'string' && GENERAL_WORDS.test(key));
}

/** `attnLogitCap2` as `attn_logit_cap2`. */
function inWords(key: string): string {
  return key.replaceAll(/(?<=[a-z\d])(?=[A-Z])/g, '_').toLowerCase();
}
