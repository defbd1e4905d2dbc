// Attention faults that the program itself can hold.
import type { AttentionOp } from '../../engine/program/program.ts';
import type { ModelTransform } from '../../engine/model/model.ts';
import { modelVariant, type Fault } from './fault.ts';
import { rewriteOps, type Site } from './rewrite.ts';

function attendWith(site: Site, change: (op: AttentionOp) => AttentionOp): ModelTransform {
  return { program: (program) => rewriteOps(program, site, (op) => (op.op === 'attention' ? change(op) : op)) };
}

export const ATTENTION_FAULTS: readonly Fault[] = [
  {
    id: 'A1',
    title: 'attention scores not divided by the square root of the head size',
    bugClass: 'ATTENTION_FAILURE',
    firstStage: 'attn_scores',
    needs: 'two positions',
    gross: modelVariant(
      'scores unscaled in every layer',
      attendWith('all', (op) => ({ ...op, scale: 1 })),
    ),
    small: modelVariant(
      'scale one percent high in one layer',
      attendWith('one', (op) => ({ ...op, scale: op.scale * 1.01 })),
    ),
  },
  {
    id: 'A6',
    title: 'sliding window one position short',
    bugClass: 'ATTENTION_FAILURE',
    firstStage: 'attn_scores',
    needs: 'a model with a window and a prompt longer than it; without a window the fault is a window of two positions',
    gross: modelVariant(
      'window halved in every layer',
      attendWith('all', (op) => ({ ...op, window: op.window === null ? 2 : Math.ceil(op.window / 2) })),
    ),
    small: modelVariant(
      'window one position short in one layer',
      attendWith('one', (op) => ({ ...op, window: op.window === null ? 2 : op.window - 1 })),
    ),
  },
];
