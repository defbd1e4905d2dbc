// A recorded pack as an outside engine: it has answered already, for its own ids. Before its logits count, its weights are
// told from others: by the model file's sha256, or by its embedding, which is a copy of rows of the weights.
import { operands } from '../../engine/program/program.ts';
import { sha256Bytes } from '../../engine/io/sha256.ts';
import type { Capture } from '../../engine/capture/read-capture.ts';
import type { Model } from '../../engine/model/model.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import { evaluateOp } from '../../oracles/float64/evaluate-op.ts';
import { RefuteError } from '../../errors.ts';
import { UNIT_F32 } from '../ops/constants.ts';
import { arithmeticOf } from '../reference/arithmetic.ts';
import { profileNamed } from '../reference/profiles.ts';
import { dtypeOf, openPack, producerOf } from '../recordings/open-pack.ts';
import type { OutsideEngine } from './outside-engine.ts';

const LOGITS = 'lm_head.bin';
const EMBEDDING = 'layer-0/embedding.bin';

/** @param profile instead of what the pack's own dtype says */
export async function openPackEngine(
  folder: string,
  model: Model,
  profile: NumericProfile | null,
): Promise<OutsideEngine> {
  const pack = await openPack(folder, model.program);
  const { tokens } = pack.manifest;
  const dtype = dtypeOf(pack);
  const declared = profile ?? profileNamed(dtype ?? 'float32', `${folder}: producer.dtype`);
  const hasSameWeights = await isOfWeights(pack, model, declared);
  const digest = await sha256Bytes(new TextEncoder().encode(JSON.stringify(pack.manifest)));
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
  const { manifest } = pack;
  if (manifest.tokens.length !== tokens.length || manifest.tokens.some((id, i) => id !== tokens[i])) {
    const is = `it is of the tokens ${manifest.tokens.join(',')}`;
    throw new RefuteError({ code: 'E_PACK_TOKENS', place: folder, is, allowed: `${tokens.join(',')} were asked for` });
  }
  return readLogits(pack);
}

async function readLogits(pack: Capture): Promise<{ logits: Float32Array; rowCount: number }> {
  const rowCount = pack.file(LOGITS)?.shape[0];
  if (rowCount === undefined) {
    const is = 'it has no lm_head';
    throw new RefuteError({ code: 'E_PACK_STAGE', place: pack.folder, is, allowed: 'parity compares logits' });
  }
  return { logits: await pack.read(LOGITS), rowCount };
}

/** @throws RefuteError E_PACK_MODEL where the embedding is another */
async function isOfWeights(pack: Capture, ours: Model, by: NumericProfile): Promise<boolean> {
  const { program, weights } = ours;
  const { tokens, positions, model } = pack.manifest;
  if (pack.file(EMBEDDING) === undefined) return model.sha256 === (await ours.sha256());
  const theirs = await pack.read(EMBEDDING);
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
    place: pack.folder,
    is: `it is of other weights (${model.name}): element ${at} of its embedding is ${theirs[at]}, here ${exact[at]}`,
    next: 'A pack of unquantised weights is compared with the unquantised model',
  });
}
