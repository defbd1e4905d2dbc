// Rotary position faults. All of them are invisible at position 0, where every angle is zero.
import type { ModelTransform, RopeParameters } from '../../engine/index.ts';
import type { Fault, FaultVariant } from './fault.ts';
import { rewriteOps, type Site } from './rewrite.ts';

function rotateWith(site: Site, change: (rope: RopeParameters) => RopeParameters): ModelTransform {
  return {
    program: (program) => rewriteOps(program, site, (op) => (op.op === 'rope' ? { ...op, rope: change(op.rope) } : op)),
  };
}

function variant(title: string, site: Site, change: (rope: RopeParameters) => RopeParameters): FaultVariant {
  return { title, inject: { kind: 'model', transform: rotateWith(site, change) } };
}

function otherPairing(rope: RopeParameters): RopeParameters {
  return { ...rope, pairing: rope.pairing === 'neox' ? 'norm' : 'neox' };
}

/** What a reader assumes that lost the key: 10,000; and 1,000,000 for the models whose own value that is. */
function otherTheta(rope: RopeParameters): RopeParameters {
  return { ...rope, theta: rope.theta === 10_000 ? 1_000_000 : 10_000 };
}

export const ROPE_FAULTS: readonly Fault[] = [
  {
    id: 'R1',
    title: 'rotary pairing swapped: adjacent channels for halves, or the reverse',
    bugClass: 'ROPE_FAILURE',
    firstStage: 'q_post_rope',
    needs: 'a position after 0',
    gross: variant('rotary pairing swapped in every layer', 'all', otherPairing),
    small: variant('rotary pairing swapped in one layer', 'one', otherPairing),
  },
  {
    id: 'R2',
    title: 'rope theta is not the model’s',
    bugClass: 'CONFIG_METADATA_LOSS',
    firstStage: 'q_post_rope',
    needs: 'a position after 0; a few positions for a clear effect',
    gross: {
      title: 'rope theta lost on the way in, a default taken',
      inject: { kind: 'model', transform: { config: (config) => ({ ...config, rope: otherTheta(config.rope) }) } },
    },
    small: variant('rope theta two percent high in one layer', 'one', (rope) => ({
      ...rope,
      theta: rope.theta * 1.02,
    })),
  },
  {
    id: 'R5',
    title: 'only part of each head is rotated',
    bugClass: 'ROPE_FAILURE',
    firstStage: 'q_post_rope',
    needs: 'a position after 0',
    gross: variant('half of each head is rotated, in every layer', 'all', (rope) => ({
      ...rope,
      rotaryDim: rope.rotaryDim / 2,
    })),
    small: variant('one pair of each head is left unrotated, in one layer', 'one', (rope) => ({
      ...rope,
      rotaryDim: rope.rotaryDim - 2,
    })),
  },
];
