// Normalisation faults that the program itself can hold.
import type { ModelTransform } from '../../engine/model/model.ts';
import type { Op } from '../../engine/program/program.ts';
import { modelVariant, type Fault } from './fault.ts';
import { rewriteOps, type Site } from './rewrite.ts';

function withOtherEps(site: Site, isWanted: (op: Extract<Op, { op: 'rmsnorm' }>) => boolean): ModelTransform {
  return {
    program: (program) =>
      rewriteOps(program, site, (op) =>
        op.op === 'rmsnorm' && isWanted(op) ? { ...op, eps: op.eps <= 2e-6 ? 1e-5 : 1e-6 } : op,
      ),
  };
}

export const NORM_FAULTS: readonly Fault[] = [
  {
    id: 'N1',
    title: 'norm epsilon 1e-5 for 1e-6, or the reverse',
    bugClass: 'NORM_FAILURE',
    firstStage: 'attn_norm',
    needs: 'a row with a small mean square: the first layer, where embeddings are small',
    gross: modelVariant(
      'epsilon ten times too large or too small in every norm',
      withOtherEps('all', () => true),
    ),
    small: modelVariant(
      'epsilon ten times too large or too small in the first norm of the first layer only',
      withOtherEps('first', (op) => op.out.endsWith('attn_norm')),
    ),
  },
];
