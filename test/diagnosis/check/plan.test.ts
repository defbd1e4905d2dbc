// In what steps a run is judged, by what the subject shows.
import { describe, expect, it } from 'vitest';
import { planOf } from '../../../src/diagnosis/check/plan.ts';
import { ProgramBuilder } from '../../../src/engine/program/program-builder.ts';
import type { Program } from '../../../src/engine/program/program.ts';

/** embedding → ffn_norm → gate and up → silu(gate) · up → ffn_out, added to the embedding. */
function program(): Program {
  const b = new ProgramBuilder();
  const layer = b.inLayer(0);
  const x = layer.embed('embedding', 'e', 8, 4);
  const normed = layer.rmsnorm('ffn_norm', x, 'n', { eps: 1e-5 });
  const gate = layer.matmul('ffn_gate', normed, 'g', 6);
  const up = layer.matmul('ffn_up', normed, 'u', 6);
  const out = layer.matmul('ffn_out', layer.mul('ffn_swigl', layer.silu('ffn_silu', gate), up), 'd', 4);
  const head = b.matmul('lm_head', layer.add('post_ffn_residual', x, out), 'e', 8);
  return b.finish({ architecture: 'test', layerCount: 1, vocabSize: 8, contextLength: 8 }, head);
}

const stepsOf = (hidden: readonly string[]): Record<string, { ops: string; reads: string[] }> => {
  const { steps } = planOf(program(), (value) => !hidden.includes(value.replace('layer-0/', '')));
  return Object.fromEntries(
    [...steps].map(([value, { ops, reads }]) => [
      value.replace('layer-0/', ''),
      { ops: ops.map(({ op }) => op).join(' '), reads: reads.map((id) => id.replace('layer-0/', '')) },
    ]),
  );
};

describe('the steps of a judge', () => {
  it('are single ops where every value is shown', () => {
    expect(Object.values(stepsOf([])).every(({ ops }) => !ops.includes(' '))).toBe(true);
  });

  it('join the ops around a hidden value, and read what is shown before it', () => {
    expect(stepsOf(['ffn_silu'])['ffn_swigl']).toEqual({ ops: 'silu mul', reads: ['ffn_gate', 'ffn_up'] });
    expect(stepsOf(['ffn_silu', 'ffn_gate'])['ffn_swigl']).toEqual({
      ops: 'matmul silu mul',
      reads: ['ffn_norm', 'ffn_up'],
    });
    expect(stepsOf(['ffn_silu'])).not.toHaveProperty('ffn_silu');
  });

  it('take an op twice where two shown values come from one hidden', () => {
    const steps = stepsOf(['ffn_norm']);
    expect([steps['ffn_gate']?.ops, steps['ffn_up']?.ops]).toEqual(['rmsnorm matmul', 'rmsnorm matmul']);
  });

  it('keep a value until the last step that reads it, however far that is', () => {
    const { lastReads } = planOf(program(), (value) => !value.endsWith('ffn_silu'));
    expect(lastReads.get('layer-0/ffn_gate')).toBe(5);
    expect(planOf(program(), () => true).lastReads.get('layer-0/ffn_gate')).toBe(4);
  });
});
