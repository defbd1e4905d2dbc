// Measures of NaN on its way from a weight to a stage file and a comparison: payload bits where values are copied, a NaN
// in everything computed from one, and never a silent number.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { withEngines, type Engines } from '../kit/claims/engine-runs.ts';
import { BUNDLED_SHAPE } from './expected-stages.ts';
import { ggufFile, type GgufPlan } from '../kit/models/gguf-bytes.ts';
import { planOf } from '../kit/models/file-plan.ts';
import type { TinyModel } from '../kit/models/tiny-model.ts';
import { F16, QUESTION } from './bits.ts';
import { captureHere, elementFloats, elementWords, stageFiles, traceProgram } from './captures.ts';
import { tokenLists } from './selection.ts';

interface PlantedNaN {
  variant: number;
  tokens: number[];
  channel: number;
  bits: number;
}

/** Payloads of quiet NaN, either sign: the bits must arrive as they are. */
const plantedNaNs: fc.Arbitrary<PlantedNaN> = fc.record({
  variant: fc.constantFrom(0, 2),
  tokens: tokenLists,
  channel: fc.nat(31),
  bits: fc
    .tuple(fc.boolean(), fc.nat(0x3fffff))
    .map(([isNegative, payload]) => (isNegative ? 0xffc00000 : 0x7fc00000) + payload),
});

/** A NaN in the first token's embedding row: its bits in the file, and a NaN in everything computed from it. */
export async function searchNaNs(context: PartContext, planned: number): Promise<void> {
  let count = 0;
  await withEngines(context, (engines) =>
    context.search(plantedNaNs, planned, async ({ variant, tokens, channel, bits }) => {
      const source = engines.tinySource(variant, 0);
      const [first] = tokens as [number];
      const path = join(context.folder, `nan-${(count += 1)}.gguf`);
      await writeFile(path, withNaN(source, first * source.shape.modelDim + channel, bits));
      const model = await context.openModel(path);
      try {
        return await countLostNaNs(context, engines, { model, source, tokens, channel, bits });
      } finally {
        await model.close();
      }
    }),
  );
}

function withNaN(source: TinyModel, element: number, bits: number): Uint8Array {
  const copy = source.bytes.slice();
  const embedding = source.tensors[0];
  // The embedding is the first tensor, and data begins where its bytes do.
  const start = Buffer.from(copy.buffer).indexOf(Buffer.from(embedding?.bytes ?? []));
  new DataView(copy.buffer).setUint32(start + 4 * element, bits, true);
  return copy;
}

async function countLostNaNs(
  context: PartContext,
  engines: Engines,
  of: {
    model: Awaited<ReturnType<Engines['tiny']>>;
    source: TinyModel;
    tokens: number[];
    channel: number;
    bits: number;
  },
): Promise<number> {
  const { model, source, tokens, channel, bits } = of;
  const { modelDim } = source.shape;
  const executor = await engines.executor(model);
  const folder = await captureHere(context, model, executor, { tokens, stages: 'embedding,attn_norm,final_norm' });
  const files = await stageFiles(folder);
  const words = elementWords(files.get('layer-0/embedding.bin') ?? new Uint8Array(12));
  let lost = words.length === tokens.length * modelDim ? 0 : 1;
  for (const [p, token] of tokens.entries()) {
    const isPlanted = token === tokens[0];
    if ((words[p * modelDim + channel] === bits) !== isPlanted) lost += 1;
    for (const path of ['layer-0/attn_norm.bin', 'final_norm.bin']) {
      const row = elementFloats(files.get(path) ?? new Uint8Array(12)).subarray(p * modelDim, (p + 1) * modelDim);
      // The row's mean square is NaN, and after one attention so is every later row of the last norm.
      const mustBeNaN = isPlanted || path === 'final_norm.bin';
      if (row.length !== modelDim || row.every((value) => Number.isNaN(value)) !== mustBeNaN) lost += 1;
    }
  }
  return lost;
}

export const NAN_CASES = 3;

/** A NaN planted in a gain of the trained model, through `apr trace` and `apr diff`. */
export async function measureNaN(context: PartContext): Promise<void> {
  const plan = await planOf(context.model('model:sums-2m', F16));
  const [channel, stages] = [37, ['--save-tensor', 'attn_norm', '--layers', '2']];
  const broken = join(context.folder, 'nan.gguf');
  await writeFile(broken, ggufFile(withBrokenGain(plan, channel)).bytes);
  const healthy = await traceProgram(context, context.model('model:sums-2m', F16), QUESTION, stages);
  const sick = await traceProgram(context, broken, QUESTION, stages);
  const path = 'layer-2/attn_norm.bin';
  const files = await Promise.all([healthy, sick].map(async ({ folder }) => (await stageFiles(folder)).get(path)));
  const [before, after] = files.map((file) => elementFloats(file ?? new Uint8Array(12))) as [
    Float32Array,
    Float32Array,
  ];
  const wrong = after.filter((value, i) => {
    if (i % BUNDLED_SHAPE.modelDim === channel) return !Number.isNaN(value);
    return !Object.is(value, before[i]);
  });
  context.measure(after.length === 0 ? NaN : wrong.length, `${path}: NaN in channel ${channel} and nowhere else`);
  const [left, right] = [healthy, sick].map(({ folder }) => join(folder, path)) as [string, string];
  const diff = await context.program('apr', ['diff', left, right, '--values', '--json']);
  const report = JSON.parse(diff.stdout) as { nanInA: number; nanInB: number; nonFiniteMismatches: number };
  const isSeen =
    report.nanInA === 0 && report.nanInB === QUESTION.length && report.nonFiniteMismatches === QUESTION.length;
  context.measure(
    diff.exitCode === 1 && isSeen ? 0 : 1,
    `apr diff --values sees ${report.nanInB} NaN, exit ${diff.exitCode}`,
  );
  const same = await context.program('apr', ['diff', right, right, '--values']);
  context.measure(same.exitCode, `apr diff --values on one file with NaN: exit ${same.exitCode}`);
}

function withBrokenGain(plan: GgufPlan, channel: number): GgufPlan {
  const tensors = plan.tensors.map((tensor) => {
    if (tensor.name !== 'blk.2.attn_norm.weight') return tensor;
    const bytes = tensor.bytes.slice();
    new DataView(bytes.buffer).setUint32(4 * channel, 0x7fc12345, true);
    return { ...tensor, bytes };
  });
  return { ...plan, tensors };
}
