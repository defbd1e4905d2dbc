// Keys of an architecture that the config does not hold: harmless ones, ones that would change the forward pass, and
// unknown ones. Config lost in silence is a bug class of its own; here it is an error or a note.
import { RefuteError } from '../../errors.ts';
import { quoted, shownValue } from '../formats/quoted.ts';
import type { MetadataReader } from './metadata-reader.ts';

const READ: readonly string[] = [
  'block_count',
  'embedding_length',
  'feed_forward_length',
  'context_length',
  'vocab_size',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'attention.layer_norm_rms_epsilon',
  'attention.sliding_window',
  'rope.freq_base',
  'rope.dimension_count',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scale_linear',
];

/** Information for people and converters, or numbers that matter only beside an unsupported one. */
const HARMLESS: readonly string[] = [
  'tensor_data_layout',
  'expert_used_count',
  'rope.scaling.original_context_length',
  'rope.scaling.finetuned',
  'attention.layer_norm_epsilon',
];

/** Keys that change the result unless they have this value. */
const NEUTRAL: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['expert_count', 0],
  ['attention.causal', true],
  ['attention.clamp_kqv', 0],
  ['attention.max_alibi_bias', 0],
  ['attention.scale', 0],
  ['attention.temperature_scale', 0],
  ['attn_logit_softcapping', 0],
  ['final_logit_softcapping', 0],
  ['embedding_scale', 1],
  ['residual_scale', 1],
  ['logit_scale', 1],
  ['use_parallel_residual', false],
  ['rope.scaling.attn_factor', 1],
  ['rope.scaling.yarn_log_multiplier', 0],
]);

/** @throws RefuteError E_CONFIG_UNSUPPORTED */
export function reportUnreadKeys(reader: MetadataReader): void {
  const unknown: string[] = [];
  for (const key of reader.keys()) {
    if (READ.includes(key) || HARMLESS.includes(key)) continue;
    if (!NEUTRAL.has(key)) {
      unknown.push(reader.full(key));
    } else if (reader.get(key) !== NEUTRAL.get(key)) {
      throw new RefuteError({
        code: 'E_CONFIG_UNSUPPORTED',
        place: reader.path,
        is: `${reader.full(key)} is ${shownValue(reader.get(key))}`,
        allowed: `it changes the forward pass and is not supported (${shownValue(NEUTRAL.get(key))} would be)`,
      });
    }
  }
  if (unknown.length === 0) return;
  const names = unknown.slice(0, 8).map(quoted).join(', ');
  const rest = unknown.length > 8 ? ` and ${unknown.length - 8} more` : '';
  reader.notices.push({
    severity: 'note',
    code: 'CONFIG-UNREAD-KEY',
    message: `Not known and not read: ${names}${rest}.`,
  });
}
