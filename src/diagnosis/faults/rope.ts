// Rotary position faults. All of them are invisible at position 0, where every angle is zero.
import type { ModelTransform } from '../../engine/model/model.ts';
import type { RopeParameters, RopeScaling } from '../../engine/program/program.ts';
import { modelVariant, type Fault, type FaultVariant } from './fault.ts';
import { rewriteOps, type Site } from './rewrite.ts';

function rotateWith(site: Site, change: (rope: RopeParameters) => RopeParameters): ModelTransform {
  return {
    program: (program) => rewriteOps(program, site, (op) => (op.op === 'rope' ? { ...op, rope: change(op.rope) } : op)),
  };
}

function variant(title: string, site: Site, change: (rope: RopeParameters) => RopeParameters): FaultVariant {
  return modelVariant(title, rotateWith(site, change));
}

function otherPairing(rope: RopeParameters): RopeParameters {
  return { ...rope, pairing: rope.pairing === 'neox' ? 'norm' : 'neox' };
}

/** What a reader without the key assumes: 10,000; for a model whose own theta that is, 1,000,000. */
function otherTheta(rope: RopeParameters): RopeParameters {
  return { ...rope, theta: rope.theta === 10_000 ? 1_000_000 : 10_000 };
}

function rescaled(change: (scaling: RopeScaling) => RopeScaling): (rope: RopeParameters) => RopeParameters {
  return (rope) => ({ ...rope, scaling: change(rope.scaling) });
}

function withAttentionFactor(change: (factor: number) => number): (rope: RopeParameters) => RopeParameters {
  return rescaled((scaling) =>
    'attentionFactor' in scaling ? { ...scaling, attentionFactor: change(scaling.attentionFactor) } : scaling,
  );
}

/** The numbers of the rule in each other's place, or twice the factor where it has but one. */
function exchanged(scaling: RopeScaling): RopeScaling {
  switch (scaling.type) {
    case 'none':
    case 'factors':
      return scaling;
    case 'yarn':
      return { ...scaling, betaFast: scaling.betaSlow, betaSlow: scaling.betaFast };
    case 'longrope':
      return { ...scaling, short: scaling.long, long: scaling.short };
    case 'llama3':
      return { ...scaling, lowFreqFactor: scaling.highFreqFactor, highFreqFactor: scaling.lowFreqFactor };
    case 'linear':
    case 'dynamic':
      return { ...scaling, factor: 2 * scaling.factor };
  }
}

function slightlyOff(scaling: RopeScaling): RopeScaling {
  return 'factor' in scaling ? { ...scaling, factor: scaling.factor * 1.02 } : exchanged(scaling);
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
    gross: modelVariant('rope theta lost on the way in, a default taken', {
      config: (config) => ({ ...config, rope: otherTheta(config.rope) }),
    }),
    small: variant('rope theta two percent high in one layer', 'one', (rope) => ({
      ...rope,
      theta: rope.theta * 1.02,
    })),
  },
  {
    id: 'R4',
    title: 'attention factor of the rotation missing or wrong',
    bugClass: 'ROPE_FAILURE',
    firstStage: 'q_post_rope',
    needs: 'a model with yarn or longrope scaling',
    gross: modelVariant('rotated without the attention factor', {
      config: (config) => ({ ...config, rope: withAttentionFactor(() => 1)(config.rope) }),
    }),
    small: variant(
      'attention factor half a percent high in one layer',
      'one',
      withAttentionFactor((factor) => factor * 1.005),
    ),
  },
  {
    id: 'R9',
    title: 'rope scaled with other numbers than the model’s',
    bugClass: 'CONFIG_METADATA_LOSS',
    firstStage: 'q_post_rope',
    needs:
      'a model with linear, llama3, yarn, longrope or dynamic scaling; where it goes by length, a prompt beyond it',
    gross: modelVariant('both ends of the ramp, or both lists of factors, exchanged; or the factor doubled', {
      config: (config) => ({ ...config, rope: rescaled(exchanged)(config.rope) }),
    }),
    small: variant('factor two percent high, or the other list, in one layer', 'one', rescaled(slightlyOff)),
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
