// A recorded pack as an outside engine: it has answered already, for its own ids. Before its logits count, its weights
// are told from others: by the model file's sha256, or by its embedding, which is a copy of rows of the weights.
import { operands } from '../../engine/program/program.ts';
import type { Model } from '../../engine/model/model.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import { evaluateOp } from '../../oracles/float64/evaluate-op.ts';
import { RefuteError } from '../../errors.ts';
import { roundedFloats } from '../recordings/floats.ts';
import { UNIT_F32 } from '../ops/constants.ts';
import { arithmeticOf } from '../reference/arithmetic.ts';
import { profileNamed } from '../reference/profiles.ts';
import { openPack, producerOf, type Pack } from '../recordings/open-pack.ts';
import type { OutsideEngine } from './outside-engine.ts';

const LOGITS = 'lm_head';
const EMBEDDING = 'layer-0/embedding';

/** @param profile instead of what the pack's own dtype says */
export async function openPackEngine(
  folder: string,
  model: Model,
  profile: NumericProfile | null,
): Promise<OutsideEngine> {
  const pack = await openPack(folder, model.program);
  const { tokens, dtype, formats } = pack;
  const declared = profile ?? formats?.profile ?? profileNamed(dtype ?? 'float32', `${folder}: producer.dtype`);
  const hasSameWeights = await isOfWeights(pack, model, declared);
  const digest = await pack.digest();
  return {
    kind: 'pack',
    profiles: [declared],
    hasSameWeights,
    tokens,
    ask: async () => ({ kind: 'logits', ...(await readLogits(pack)) }),
    identity: () => ({ name: producerOf(pack), version: dtype ?? 'dtype not said', digest }),
    close: async () => undefined,
  };
}

/** The logits of a pack that answers for these very ids: what a command has written. */
export async function packAnswer(
  folder: string,
  model: Model,
  tokens: readonly number[],
): Promise<{ logits: Float32Array; rowCount: number }> {
  const pack = await openPack(folder, model.program);
  if (pack.tokens.join() !== tokens.join()) {
    const is = `it is of the tokens ${pack.tokens.join(',')}`;
    throw new RefuteError({ code: 'E_PACK_TOKENS', place: folder, is, allowed: `${tokens.join(',')} were asked for` });
  }
  return readLogits(pack);
}

async function readLogits(pack: Pack): Promise<{ logits: Float32Array; rowCount: number }> {
  const rowCount = pack.tensors.get(LOGITS)?.shape[0];
  if (rowCount === undefined) {
    const is = 'it has no lm_head';
    throw new RefuteError({ code: 'E_PACK_STAGE', place: pack.path, is, allowed: 'parity compares logits' });
  }
  return { logits: roundedFloats((await pack.read(LOGITS)).data), rowCount };
}

/** @throws RefuteError E_PACK_MODEL where the embedding is another */
async function isOfWeights(pack: Pack, ours: Model, by: NumericProfile): Promise<boolean> {
  const { program, weights } = ours;
  const { tokens, positions, manifest } = pack;
  const { model } = manifest;
  if (!pack.tensors.has(EMBEDDING)) return model.sha256 === (await ours.sha256());
  const { data: theirs } = await pack.read(EMBEDDING);
  const asked = positions === 'all' ? tokens : tokens.slice(-1);
  const source = program.stages.find(({ name }) => name === 'embedding')?.source;
  const op = program.ops.find((candidate) => source?.from === 'value' && operands(candidate).writes === source.value);
  if (op?.op !== 'embed') return model.sha256 === (await ours.sha256());
  const exact = await evaluateOp(op, { weights, values: new Map(), tokens: asked, firstPosition: 0 });
  // A copy, rounded to what the producer computes in and to the float32 of the file.
  const unit = UNIT_F32 + arithmeticOf(by).unit;
  const at = exact.findIndex((value, i) => !(Math.abs((theirs[i] ?? Number.NaN) - value) <= unit * Math.abs(value)));
  if (at === -1) return true;
  throw new RefuteError({
    code: 'E_PACK_MODEL',
    place: pack.path,
    is: `it is of other weights (${model.name}): element ${at} of its embedding is ${theirs[at]}, here ${exact[at]}`,
    next: 'A pack of unquantised weights is compared with the unquantised model',
  });
}
