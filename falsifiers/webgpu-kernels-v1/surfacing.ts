// Numbers that are not finite. The language lets a kernel assume that there are none, so it must see them by their bits: where the
// formula's result is not finite, the kernel's is not, and elsewhere it is. On programs of every kind of op, alone and together.
import fc from 'fast-check';
import { TENSOR_TYPES } from '../../src/engine/formats/tensor-types.ts';
import type { WeightSource } from '../../src/engine/program/executor.ts';
import type { OpName } from '../../src/engine/program/program.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, NON_FINITE } from '../kit/arbitraries/kernel-values.ts';
import { blockProgram, PLAIN_BLOCK } from './block.ts';
import { elementwise, ELEMENTWISE } from './elementwise.ts';
import { EXPERT_OPS, expertProgram } from './experts.ts';
import { runJudged, type JudgedOp, type Trial } from './trial.ts';

const KINDS = ['elementwise', 'plain', 'capped', 'experts'] as const;
const OPS: readonly OpName[] = [...ELEMENTWISE, 'rmsnorm', 'rope', 'attention', 'matmul', ...EXPERT_OPS];

interface Recipe {
  kind: (typeof KINDS)[number];
  channels: number;
  lengths: readonly number[];
  seed: number;
  specials: { at: number; value: number }[];
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  kind: fc.constantFrom(...KINDS),
  channels: fc.constantFrom(5, 8, 33),
  lengths: fc.constantFrom([3], [9], [9, 2], [2, 11]),
  seed: fc.nat(),
  specials: fc.array(fc.record({ at: fc.nat(), value: fc.constantFrom(...NON_FINITE) }), {
    minLength: 1,
    maxLength: 3,
  }),
});

function trialOf({ kind, channels, lengths, seed, specials }: Recipe): Trial {
  const positions = lengths.reduce((sum, length) => sum + length, 0);
  const count = positions * channels;
  const values = makeValues({ kind: 'bell', exponent: 0, seed, specials }, count);
  const rows = { values, channels };
  const [type, gelu] = ['f32' as const, seed % 2 === 1];
  if (kind === 'elementwise') {
    const b = makeValues({ kind: 'bell', exponent: 0, seed: seed + 1, specials: [] }, count);
    return { ...elementwise({ channels, positions, factor: 3, cap: 30, seed, a: values, b }), lengths };
  }
  if (kind === 'experts') {
    const shape = {
      type,
      expertCount: 5,
      usedCount: 2,
      ffnDim: 8,
      isRenormalised: seed % 3 === 0,
      gelu,
      areTied: false,
      seed,
    };
    return { ...expertProgram({ ...shape, isShown: false }, rows), lengths };
  }
  const rope = { theta: 10_000, rotaryDim: 6, pairing: 'neox', scaling: { type: 'none' } } as const;
  const own = kind === 'plain' ? { hasBias: true } : { hasHeadNorms: true, hasPostNorms: true, softcap: 20, window: 4 };
  const shape = {
    ...PLAIN_BLOCK,
    type,
    kvType: type,
    headDim: 7,
    rope,
    seed,
    activation: gelu ? 'gelu' : 'silu',
    ...own,
  } as const;
  return { ...blockProgram(shape, rows), lengths };
}

/** Elements of which one side is finite and the other is not. */
function hidden(judged: readonly JudgedOp[]): number {
  let count = 0;
  for (const { values, reference, op } of judged) {
    // An id is finite whatever it was chosen from.
    if (values.length !== reference.length) return Number.NaN;
    if (op.op === 'moeSelect') continue;
    for (const [i, value] of values.entries()) {
      count += Number.isFinite(value) === Number.isFinite(reference[i] ?? Number.NaN) ? 0 : 1;
    }
  }
  return count;
}

const LIVE_FILE = 'sums-2m.q4_k_m.gguf';
const LIVE_LENGTHS = [9, 3];
const TABLE = 'token_embd.weight';
/** Whose embedding is broken. */
const BROKEN_TOKEN = 5;
const NAN_HALF = 0x7e00;

/** The model's own, but for one token's embedding: its scales are NaN. */
function withBrokenToken(weights: WeightSource): WeightSource {
  const info = weights.info(TABLE);
  if (info === undefined) throw new Error(`the model has no ${TABLE}`);
  const { blockBytes, halves } = TENSOR_TYPES[info.type];
  const rowBytes = info.byteLength / (info.shape[0] ?? 1);
  const isBroken = (at: number): boolean =>
    Math.floor(at / rowBytes) === BROKEN_TOKEN && halves.some((half) => half === at % blockBytes);
  return {
    info: (name) => weights.info(name),
    async read(name, byteOffset, into) {
      await weights.read(name, byteOffset, into);
      if (name !== TABLE) return;
      const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
      // Readings begin and end with blocks.
      for (let at = 0; at < into.byteLength; at++) if (isBroken(byteOffset + at)) view.setUint16(at, NAN_HALF, true);
    },
  };
}

export const surfacingParts: Falsifier['parts'] = {
  generated: {
    planned: 60,
    run: (context) =>
      context.search(recipes, context.planned, async (recipe) =>
        hidden(await runJudged(context, trialOf(recipe), OPS)),
      ),
  },
  live: {
    needs: ['model:sums-2m'],
    planned: 1,
    async run(context) {
      const model = await context.openModel(context.model('model:sums-2m', LIVE_FILE));
      try {
        const trial = { program: model.program, weights: withBrokenToken(model.weights), lengths: LIVE_LENGTHS };
        const judged = await runJudged(context, trial, ['embed', ...OPS]);
        const isSeen = judged.some(({ reference }) => reference.some((value) => Number.isNaN(value)));
        context.measure(isSeen ? hidden(judged) : Number.NaN, `${LIVE_FILE} with a broken token`);
      } finally {
        await model.close();
      }
    },
  },
};
