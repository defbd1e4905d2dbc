// Relations between two runs of whole models: the same tokens under other names, heads or experts in another order, a longer
// cache, one token at a time. Each answers how many words differ from what the relation says.
import fc from 'fast-check';
import { arithmeticOf, gamma } from '../../src/diagnosis/reference/arithmetic.ts';
import { corruptTensors, layerOfWeight } from '../../src/diagnosis/faults/rewrite.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { WeightSource } from '../../src/engine/program/executor.ts';
import type { Part, PartContext } from '../../src/runner/run/falsifier.ts';
import { countDifferentWords, runPieces, runTapped, withEngines, type Run } from '../kit/claims/engine-runs.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from '../kit/models/tiny-model.ts';

function shuffle(count: number, random: SeededRandom): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

/** Row r of every wanted tensor becomes row order(r); the tensor has `rowCount` rows of any stored type. */
function reorderedRows(
  weights: WeightSource,
  isWanted: (name: string) => boolean,
  orderOf: (name: string, rowCount: number) => readonly number[],
): WeightSource {
  return corruptTensors(weights, isWanted, (bytes, info) => {
    const rowCount = info.shape[0] ?? 1;
    const rowBytes = info.byteLength / rowCount;
    const original = bytes.slice();
    for (const [row, from] of orderOf(info.name, rowCount).entries()) {
      bytes.set(original.subarray(from * rowBytes, (from + 1) * rowBytes), row * rowBytes);
    }
  });
}

/** Tokens under other names, embedding and head reordered with them: the logits are the same, reordered. */
export async function renamingDifferences(
  context: PartContext,
  model: Model,
  tokens: readonly number[],
  random: SeededRandom,
): Promise<number> {
  const { vocabSize } = model.program;
  const order = shuffle(vocabSize, random);
  const nameOf = new Map(order.map((from, to) => [from, to]));
  const isTable = (name: string): boolean => name === 'token_embd.weight' || name === 'output.weight';
  const weights = reorderedRows(model.weights, isTable, () => order);
  const renamed = await context.openExecutor({ program: model.program, weights });
  const plain = await context.openExecutor(model);
  const logits = await runPieces(plain, tokens, []);
  const others = await runPieces(
    renamed,
    tokens.map((token) => nameOf.get(token) ?? 0),
    [],
  );
  await Promise.all([plain.close(), renamed.close()]);
  const expected = logits.map((_, i) => {
    const start = i - (i % vocabSize);
    return logits[start + (order[i % vocabSize] ?? 0)] ?? Number.NaN;
  });
  return countDifferentWords(expected, others);
}

/** Key-value heads in another order, their query heads with them: layer 0 attends the same, reordered. */
export async function headDifferences(
  context: PartContext,
  model: Model,
  tokens: readonly number[],
  random: SeededRandom,
): Promise<number> {
  const op = model.program.ops.find((candidate) => candidate.op === 'attention');
  if (op?.op !== 'attention') throw new Error('the program has no attention');
  const { headCount, kvHeadCount, headDim } = op;
  const group = headCount / kvHeadCount;
  const kvOrder = shuffle(kvHeadCount, random);
  const heads = kvOrder.flatMap((kv) => shuffle(group, random).map((i) => kv * group + i));
  const rowsOf = (order: readonly number[]): number[] =>
    order.flatMap((head) => Array.from({ length: headDim }, (_, i) => head * headDim + i));
  const weights = reorderedRows(
    model.weights,
    (name) => /^blk\.0\.attn_[qkv]\./.test(name),
    (name) => rowsOf(name.startsWith('blk.0.attn_q') ? heads : kvOrder),
  );
  const attentionOf = async (of: WeightSource): Promise<Float32Array> => {
    const executor = await context.openExecutor({ program: model.program, weights: of });
    const { values } = await runTapped(executor, { tokens, logits: 'none' }, [op.out]);
    await executor.close();
    return values.get(op.out) ?? new Float32Array(0);
  };
  const [plain, others] = [await attentionOf(model.weights), await attentionOf(weights)];
  const channels = rowsOf(heads);
  const width = channels.length;
  const expected = plain.map((_, i) => plain[i - (i % width) + (channels[i % width] ?? 0)] ?? Number.NaN);
  return countDifferentWords(expected, others);
}

/**
 * Experts in another order, their rows of the router with them. Renormalised shares are summed in the order of the slots,
 * which has nothing to do with ids: the logits are the same. Shares that are not are divided by a sum in the order of ids:
 * those of layer 0 differ by the roundings of two sums and two quotients at most, and its experts answer the same.
 */
export async function expertDifferences(
  context: PartContext,
  model: Model,
  tokens: readonly number[],
  random: SeededRandom,
): Promise<number> {
  const { ops, layerCount } = model.program;
  const route = ops.find((op) => op.op === 'moeRoute');
  const sum = ops.find((op) => op.op === 'moeSum');
  const expertCount = model.weights.info('blk.0.ffn_gate_inp.weight')?.shape[0] ?? 0;
  if (route?.op !== 'moeRoute' || sum?.op !== 'moeSum') throw new Error('the program has no experts');
  const orders = Array.from({ length: layerCount }, () => shuffle(expertCount, random));
  const weights = reorderedRows(
    model.weights,
    (name) => /\.ffn_(gate_inp|(gate|up|down)_exps)\.weight$/.test(name),
    (name) => orders[layerOfWeight(name) ?? 0] ?? [],
  );
  const [ids, answers, shares] = [route.experts, sum.in, route.out];
  const runOf = async (of: WeightSource): Promise<Run & { unit: number }> => {
    const executor = await context.openExecutor({ program: model.program, weights: of });
    const run = await runTapped(executor, { tokens, logits: 'all' }, [ids, answers, shares]);
    await executor.close();
    return { ...run, unit: arithmeticOf(executor.profile).unit };
  };
  const [plain, others] = [await runOf(model.weights), await runOf(weights)];
  const valuesOf = (run: Run, id: string): Float32Array => run.values.get(id) ?? new Float32Array(0);
  const named = valuesOf(others, ids).map((id) => orders[0]?.[id] ?? Number.NaN);
  const inLayer =
    countDifferentWords(valuesOf(plain, ids), named) +
    countDifferentWords(valuesOf(plain, answers), valuesOf(others, answers));
  if (route.isRenormalised) return inLayer + countDifferentWords(plain.logits, others.logits);
  const relative = gamma(2 * expertCount, plain.unit);
  const [own, other] = [valuesOf(plain, shares), valuesOf(others, shares)];
  const far = own.filter((one, i) => !(Math.abs(one - (other[i] ?? Number.NaN)) <= relative * one));
  return inLayer + far.length;
}

/** A cache with room for more changes nothing. */
export async function roomDifferences(
  context: PartContext,
  model: Model,
  tokens: readonly number[],
  random: SeededRandom,
): Promise<number> {
  const executor = await context.openExecutor(model);
  const { contextLength } = model.program;
  const lengths = [tokens.length + 1, Math.min(contextLength, tokens.length + 2 + random.below(40)), contextLength];
  const exact = await runPieces(executor, tokens, [3]);
  let differences = 0;
  for (const length of lengths) {
    const session = await executor.openSession(length);
    const pieces = [tokens.slice(0, 3), tokens.slice(3)].filter((piece) => piece.length > 0);
    const rows: number[] = [];
    for (const piece of pieces) rows.push(...(await session.run({ tokens: piece, logits: 'all' })).logits);
    session.close();
    differences += countDifferentWords(exact, Float32Array.from(rows));
  }
  await executor.close();
  return differences;
}

/** One token at a time to the last position, against one run; and the position after it is refused. */
export async function sweepDifferences(
  context: PartContext,
  model: Model,
  _: readonly number[],
  random: SeededRandom,
): Promise<number> {
  const { contextLength, vocabSize } = model.program;
  const tokens = Array.from({ length: contextLength }, () => random.below(vocabSize));
  const executor = await context.openExecutor(model);
  const whole = await runPieces(executor, tokens, []);
  const session = await executor.openSession(contextLength);
  let differences = 0;
  for (const [position, token] of tokens.entries()) {
    const { logits } = await session.run({ tokens: [token], logits: 'last' });
    differences += countDifferentWords(whole.subarray(position * vocabSize, (position + 1) * vocabSize), logits);
  }
  const code = await session.run({ tokens: [0], logits: 'last' }).then(
    () => 'accepted',
    (error: { code?: string }) => error.code,
  );
  session.close();
  await executor.close();
  return differences + (code === 'E_CONTEXT_FULL' ? 0 : 1);
}

export type Relation = (
  context: PartContext,
  model: Model,
  tokens: readonly number[],
  random: SeededRandom,
) => Promise<number>;

const tokensBelow = (vocabSize: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(vocabSize - 1), { minLength: 1, maxLength: 20 });

/** All that there are with experts. None is trained. */
const EXPERT_MODELS = [
  ['qwen3moe', 'hf'],
  ['qwen3moe', 'model.gguf'],
  ['qwen3moe-raw', 'hf'],
] as const;
const UNTRAINED_VOCAB_SIZE = 80;

/** A relation on the untrained models with experts. */
export function onExperts(relation: Relation, cpuCases: number): { generated: Part } {
  const inputs = fc.record({
    model: fc.constantFrom(...EXPERT_MODELS),
    tokens: tokensBelow(UNTRAINED_VOCAB_SIZE),
    salt: fc.nat(),
  });
  return {
    generated: {
      planned: { cpu: cpuCases, webgpu: 6 },
      run: (context) =>
        withEngines(context, (engines) =>
          context.search(inputs, context.planned, async ({ model: [name, file], tokens, salt }) =>
            relation(context, await engines.untrained(name, file), tokens, new SeededRandom(salt)),
          ),
        ),
    },
  };
}

const LIVE_FILES = { cpu: ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'], webgpu: ['sums-2m.q4_k_m.gguf'] };
const LIVE_VOCAB_SIZE = 768;

/** A relation on generated models and on the bundled one. */
export function onModels(relation: Relation, cpuCases: number): { generated: Part; live: Part } {
  const inputs = fc.record({
    variant: fc.nat(TINY_VARIANT_COUNT - 1),
    modelSeed: fc.nat(1),
    tokens: tokensBelow(TINY_VOCAB_SIZE),
    salt: fc.nat(),
  });
  return {
    generated: {
      planned: { cpu: cpuCases, webgpu: 6 },
      run: (context) =>
        withEngines(context, (engines) =>
          context.search(inputs, context.planned, async ({ variant, modelSeed, tokens, salt }) =>
            relation(context, await engines.tiny(variant, modelSeed), tokens, new SeededRandom(salt)),
          ),
        ),
    },
    live: {
      needs: ['model:sums-2m'],
      planned: { cpu: LIVE_FILES.cpu.length, webgpu: LIVE_FILES.webgpu.length },
      run: (context) =>
        withEngines(context, async (engines) => {
          for (const file of LIVE_FILES[context.executor === 'webgpu' ? 'webgpu' : 'cpu']) {
            const random = new SeededRandom(context.seed);
            const tokens = Array.from({ length: 30 }, () => random.below(LIVE_VOCAB_SIZE));
            context.measure(await relation(context, await engines.bundled(file), tokens, random), file);
          }
        }),
    },
  };
}
