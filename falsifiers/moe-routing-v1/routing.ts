// The kernels of routing (choice, shares, sum of slots) between guards: searched router logits with what makes a choice
// hard (ties, neighbours in float32, all alike, far apart, what is not finite), and those that Transformers recorded of the
// untrained models with experts. What each kernel should give is the float64 oracle's.
import fc from 'fast-check';
import { moeKernel } from '../../src/engine/cpu/kernels/moe.ts';
import { moeSelect } from '../../src/oracles/float64/ops/moe-select.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { betweenGuards, type KernelRun } from '../kit/judges/guarded-memory.ts';
import { makeValues, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { tinyFile } from '../kit/models/tiny-files.ts';
import { readTinyPack } from '../kit/models/tiny-packs.ts';

/** Logits of a router, and how many of its experts a position goes through. */
export interface Routing {
  rowCount: number;
  expertCount: number;
  usedCount: number;
  isRenormalised: boolean;
  /** [rowCount, expertCount] */
  logits: Float32Array;
}

interface RoutingRecipe {
  rowCount: number;
  expertCount: number;
  /** One, all, or some number between. */
  used: 'one' | 'all' | number;
  isRenormalised: boolean;
  /** `few`: of three numbers. `neighbours`: at most three units in the last place apart. */
  ties: 'none' | 'few' | 'neighbours';
  logits: ValuesRecipe;
}

/** @param specials put among the logits */
export function routingRecipes(specials: readonly number[]): fc.Arbitrary<RoutingRecipe> {
  return fc.record({
    rowCount: fc.integer({ min: 1, max: 4 }),
    expertCount: fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 9, 31, 32, 33, 63, 65, 127, 128, 129),
    used: fc.oneof(fc.constantFrom('one' as const, 'all' as const), fc.nat(15)),
    isRenormalised: fc.boolean(),
    ties: fc.constantFrom('none', 'few', 'neighbours'),
    logits: valuesRecipe([0, -4, 1, 2, -40, 6, 30], specials),
  });
}

export function makeRouting({ rowCount, expertCount, used, isRenormalised, ties, logits }: RoutingRecipe): Routing {
  const count = rowCount * expertCount;
  const values = makeValues({ ...logits, specials: [] }, count);
  const random = new SeededRandom(logits.seed);
  if (ties === 'few') values.set(values.map(() => values[random.below(3) % count] ?? 0));
  if (ties === 'neighbours') {
    const words = new Uint32Array(values.buffer);
    const [first = 0] = words;
    words.forEach((_, i) => (words[i] = first + random.below(4)));
  }
  for (const { at, value } of logits.specials) values[at % count] = value;
  const usedCount = used === 'one' ? 1 : used === 'all' ? expertCount : 1 + (used % expertCount);
  return { rowCount, expertCount, usedCount, isRenormalised, logits: values };
}

/** The right choice, ids. */
export function chosenIds({ logits, expertCount, usedCount }: Routing): Float64Array {
  return moeSelect(Float64Array.from(logits), expertCount, usedCount);
}

export function choose({ rowCount, expertCount, usedCount, logits }: Routing): Promise<KernelRun> {
  return betweenGuards(moeKernel, rowCount * usedCount, (kernel, out, memory) => {
    kernel.moeSelect(out, memory.put(logits), rowCount, expertCount, usedCount);
  });
}

/** The shares of the right choice, whatever the kernel would have chosen. */
export function share(routing: Routing): Promise<KernelRun> {
  const { rowCount, expertCount, usedCount, isRenormalised, logits } = routing;
  return betweenGuards(moeKernel, rowCount * usedCount, (kernel, out, memory) => {
    const [from, ids] = [memory.put(logits), memory.put(Float32Array.from(chosenIds(routing)))];
    kernel.moeRoute(out, from, ids, rowCount, expertCount, usedCount, isRenormalised);
  });
}

/** Answers of experts with their shares. */
export interface Slots {
  rowCount: number;
  usedCount: number;
  /** [rowCount, usedCount, channels] */
  x: Float32Array;
  /** [rowCount, usedCount] */
  shares: Float32Array;
}

export function sumSlots({ rowCount, usedCount, x, shares }: Slots): Promise<KernelRun> {
  const channelCount = x.length / shares.length;
  return betweenGuards(moeKernel, rowCount * channelCount, (kernel, out, memory) => {
    kernel.moeSum(out, memory.put(x), memory.put(shares), rowCount, usedCount, channelCount);
  });
}

/** The tiny models with experts. */
const RECORDED = [
  { name: 'qwen3moe', isRenormalised: true },
  { name: 'qwen3moe-raw', isRenormalised: false },
];
const RECORDED_LAYERS = 2;
const RECORDED_EXPERTS = 6;
export const RECORDED_ROUTINGS: number = RECORDED.length * RECORDED_LAYERS;

export interface RecordedRouting {
  where: string;
  model: string;
  layer: number;
  /** Logits rounded to float32. */
  routing: Routing;
  /** As recorded, float64: what went into the router, its logits, ids and shares. */
  input: Float64Array;
  logits: Float64Array;
  ids: Float64Array;
  shares: Float64Array;
}

/** What Transformers recorded in float64; names it as the oracle. */
export async function recordedRoutings(context: PartContext): Promise<RecordedRouting[]> {
  const all: RecordedRouting[] = [];
  for (const { name, isRenormalised } of RECORDED) {
    const { manifest, digest, stages } = await readTinyPack(tinyFile(context, name, 'packs/stages.safetensors'));
    const { producer, tokens } = manifest;
    context.oracle({ name: `${producer.name} ${producer.dtype}`, version: producer.version, digest });
    for (let layer = 0; layer < RECORDED_LAYERS; layer++) {
      const stage = (of: string): Float64Array => {
        const found = stages.get(`layer-${layer}/${of}`);
        if (found === undefined) throw new Error(`the pack of ${name} has no ${of} of layer ${layer}`);
        return found.values;
      };
      const [logits, ids] = [stage('moe_logits'), stage('moe_router_indices')];
      const [rowCount, usedCount] = [tokens.length, ids.length / tokens.length];
      all.push({
        where: `${name}, layer ${layer}`,
        model: name,
        layer,
        routing: {
          rowCount,
          expertCount: RECORDED_EXPERTS,
          usedCount,
          isRenormalised,
          logits: Float32Array.from(logits),
        },
        input: stage('ffn_norm'),
        logits,
        ids,
        shares: stage('moe_router'),
      });
    }
  }
  return all;
}
