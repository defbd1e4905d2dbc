// Which part of a model a projection, or its bias, belongs to, by the value that it writes.
import type { ValueId } from '../../engine/program/program.ts';
import type { BugClass } from '../faults/fault.ts';

export function classOfProjection(value: ValueId): BugClass {
  if (/\/[qkv]_/.test(value)) return 'QKV_FAILURE';
  if (value === 'lm_head') return 'LM_HEAD_FAILURE';
  return value.endsWith('attn_out') ? 'ATTENTION_FAILURE' : 'FFN_FAILURE';
}
