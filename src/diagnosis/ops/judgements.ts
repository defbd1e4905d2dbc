// Every op's judgement, by its name; a forgotten op does not compile. Code that judges one op imports that op's file.
import type { OpName } from '../../engine/program/program.ts';
import type { Fault } from '../faults/fault.ts';
import { addJudgement } from './add.ts';
import { addBiasJudgement } from './add-bias.ts';
import { attentionJudgement } from './attention.ts';
import { embedJudgement } from './embed.ts';
import { expertMatmulJudgement } from './expert-matmul.ts';
import { geluJudgement } from './gelu.ts';
import type { JudgementOf, OpJudgement } from './judgement.ts';
import { matmulJudgement } from './matmul.ts';
import { moeRouteJudgement } from './moe-route.ts';
import { moeSelectJudgement } from './moe-select.ts';
import { moeSumJudgement } from './moe-sum.ts';
import { mulJudgement } from './mul.ts';
import { rmsnormJudgement } from './rmsnorm.ts';
import { ropeJudgement } from './rope.ts';
import { scaleJudgement } from './scale.ts';
import { siluJudgement } from './silu.ts';
import { softcapJudgement } from './softcap.ts';

const JUDGEMENTS: { readonly [Name in OpName]: JudgementOf<Name> } = {
  embed: embedJudgement,
  rmsnorm: rmsnormJudgement,
  matmul: matmulJudgement,
  addBias: addBiasJudgement,
  rope: ropeJudgement,
  attention: attentionJudgement,
  silu: siluJudgement,
  gelu: geluJudgement,
  scale: scaleJudgement,
  softcap: softcapJudgement,
  moeSelect: moeSelectJudgement,
  moeRoute: moeRouteJudgement,
  expertMatmul: expertMatmulJudgement,
  moeSum: moeSumJudgement,
  mul: mulJudgement,
  add: addJudgement,
};

export function judgementOf(op: OpName): OpJudgement {
  return JUDGEMENTS[op];
}

/** Known bugs of every op's kernel, in the order of the record. */
export const OP_FAULTS: readonly Fault[] = Object.values<OpJudgement>(JUDGEMENTS).flatMap(({ faults }) => faults);
