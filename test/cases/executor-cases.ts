// What every executor must do, whatever it runs on and in whatever precision. A test file of an executor calls this with
// its own OpenExecutor. Bits are compared between runs of one shape, and of others where the profile promises them.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as engine from '../../src/engine/program/executor.ts';
import type { Op, Program, RopeScaling, ValueId } from '../../src/engine/program/program.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights, type SyntheticConfig } from './synthetic-model.ts';

const scaledBy = (scaling: RopeScaling): SyntheticConfig => ({
  ...SMALL_CONFIG,
  rope: { ...SMALL_CONFIG.rope, scaling },
});
const YARN = {
  type: 'yarn',
  factor: 4,
  betaFast: 32,
  betaSlow: 1,
  isTruncated: true,
  originalContextLength: 512,
  attentionFactor: 1.2,
} satisfies RopeScaling;
const DYNAMIC = { type: 'dynamic', factor: 4, originalContextLength: 20 } satisfies RopeScaling;
const LONGROPE = {
  type: 'longrope',
  short: 'rope_factors_short.weight',
  long: [1, 1.5, 2, 3, 4, 6, 8, 12],
  originalContextLength: 20,
  attentionFactor: 1.2,
} satisfies RopeScaling;

type Executor = engine.Executor<engine.FloatArray>;
type OpenExecutor = engine.OpenExecutor<engine.FloatArray>;
type RunRequest = engine.RunRequest<engine.FloatArray>;
type Session = engine.Session<engine.FloatArray>;

const TOKENS = [3, 17, 79, 0, 4, 4, 60, 12, 33, 71, 8, 25, 19, 2];

/** Programs that differ in whatever a forward pass can differ in. */
const CONFIGS: readonly [name: string, config: SyntheticConfig][] = [
  ['grouped heads, halves rotated, biases, a window', SMALL_CONFIG],
  [
    'neighbours rotated, one kv head, a tied head, part of the head rotated',
    {
      ...SMALL_CONFIG,
      kvHeadCount: 1,
      isTied: true,
      hasQkvBias: false,
      slidingWindow: null,
      rope: { ...SMALL_CONFIG.rope, rotaryDim: 12, pairing: 'norm', scaling: { type: 'linear', factor: 2 } },
    },
  ],
  [
    'odd widths everywhere',
    {
      ...SMALL_CONFIG,
      modelDim: 33,
      ffnDim: 31,
      headCount: 3,
      kvHeadCount: 3,
      headDim: 6,
      vocabSize: 129,
      rope: { ...SMALL_CONFIG.rope, rotaryDim: 6 },
    },
  ],
  ['yarn scaling', scaledBy(YARN)],
  ['longrope scaling', scaledBy(LONGROPE)],
  ['dynamic scaling', scaledBy(DYNAMIC)],
];

const open = (openExecutor: OpenExecutor, config: SyntheticConfig): Promise<Executor> => {
  const program = syntheticProgram(config);
  return openExecutor(
    program,
    syntheticWeights(program, () => (config.modelDim % 32 === 0 ? 'q8_0' : 'f16'), 7),
  );
};

/** The bits of floats: -0 is not 0, and a NaN is itself. */
export function bits(values: engine.FloatArray): Uint8Array {
  return new Uint8Array(values.slice().buffer);
}

/** Values that other shapes of runs gave: bit for bit where batching is bitwise, else as near as another order of sums. */
function expectAlike({ profile }: Executor, values: engine.FloatArray, expected: engine.FloatArray): void {
  if (profile.batching === 'bitwise') return expect(bits(values)).toEqual(bits(expected));
  const norm = (list: readonly number[]): number => Math.hypot(...list);
  const away = norm(Array.from(values, (value, i) => value - (expected[i] ?? Number.NaN)));
  expect(away / norm([...expected])).toBeLessThan(1e-3);
}

export function describeExecutor(name: string, openExecutor: OpenExecutor): void {
  describePasses(name, openExecutor);
  describeSession(name, openExecutor);
  describeMalformed(name, openExecutor);
}

function describePasses(name: string, openExecutor: OpenExecutor): void {
  describe.each(CONFIGS)(`${name}: %s`, (_, config) => {
    it('gives a prefill the same logits as decode steps, and as any cut into runs', async () => {
      const executor = await open(openExecutor, config);
      const whole = await logitsOf(executor, [TOKENS]);
      expect(whole.every(Number.isFinite)).toBe(true);
      expect(new Set(whole).size).toBeGreaterThan(whole.length / 2);
      const steps = TOKENS.map((token) => [token]);
      expectAlike(executor, await logitsOf(executor, steps), whole);
      const cuts = fc.uniqueArray(fc.integer({ min: 1, max: TOKENS.length - 1 }), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(cuts, async (at) => {
          const edges = [0, ...at.toSorted((a, b) => a - b), TOKENS.length];
          const runs = edges.slice(1).map((edge, i) => TOKENS.slice(edges[i], edge));
          expectAlike(executor, await logitsOf(executor, runs), whole);
        }),
        { numRuns: 5 },
      );
      await executor.close();
    });

    it('gives the same logits with every tap open', async () => {
      const executor = await open(openExecutor, config);
      const closed = await logitsOf(executor, [TOKENS]);
      const values = new Set(executor.program.values.map((value) => value.id));
      const taps = new Map<ValueId, engine.FloatArray[]>();
      const session = await executor.openSession(32);
      const { logits } = await session.run({
        tokens: TOKENS,
        logits: 'all',
        tap: { values, onValue: (value, data) => void taps.set(value, [...(taps.get(value) ?? []), data]) },
      });
      expect(bits(logits)).toEqual(bits(closed));
      const tapped = [...taps].map(([value, chunks]) => [value, chunks.reduce((sum, chunk) => sum + chunk.length, 0)]);
      const expected = executor.program.values.map(({ id, channelCount }) => [id, TOKENS.length * channelCount]);
      expect(new Map(tapped as [string, number][])).toEqual(new Map(expected as [string, number][]));
      expect(bits(joined(taps.get(executor.program.logits) ?? []))).toEqual(bits(logits));
      await executor.close();
    });

    it('gives the last row of the logits alone as among all', async () => {
      const executor = await open(openExecutor, config);
      const all = await logitsOf(executor, [TOKENS]);
      const session = await executor.openSession(32);
      const { logits, firstPosition } = await session.run({ tokens: TOKENS, logits: 'last' });
      expect(firstPosition).toBe(0);
      expectAlike(executor, logits, all.slice(-config.vocabSize));
      await executor.close();
    });
  });
}

export function describeSession(name: string, openExecutor: OpenExecutor): void {
  describe(`${name}: a session`, () => {
    const withSession = async (use: (session: Session, executor: Executor) => Promise<void>): Promise<void> => {
      const executor = await open(openExecutor, SMALL_CONFIG);
      await use(await executor.openSession(16), executor);
      await executor.close();
    };

    it('goes on after truncation as if the rest had never been', async () => {
      await withSession(async (session, executor) => {
        const expected = await logitsOf(executor, [[1, 2, 3, 9, 10]]);
        await session.run({ tokens: [1, 2, 3, 4, 5, 6], logits: 'none' });
        session.truncate(3);
        expect(session.positionCount).toBe(3);
        const { logits, firstPosition } = await session.run({ tokens: [9, 10], logits: 'all' });
        expect(firstPosition).toBe(3);
        expectAlike(executor, logits, expected.slice(3 * SMALL_CONFIG.vocabSize));
      });
    });

    it.each([LONGROPE, DYNAMIC])('keeps the frequencies of the length it was opened for: $type', async (scaling) => {
      const executor = await open(openExecutor, scaledBy(scaling));
      const runIn = async (contextLength: number): Promise<Uint8Array> => {
        const session = await executor.openSession(contextLength);
        const { logits } = await session.run({ tokens: TOKENS, logits: 'all' });
        return bits(logits);
      };
      const within = await runIn(20);
      expect(await runIn(TOKENS.length)).toEqual(within);
      const beyond = await runIn(21);
      expect(beyond).not.toEqual(within);
      // Both lists of longrope are what they are at any length; theta of dynamic scaling grows on.
      if (scaling.type === 'longrope') expect(await runIn(200)).toEqual(beyond);
      else expect(await runIn(200)).not.toEqual(beyond);
      expect(await runIn(20)).toEqual(within);
      await executor.close();
    });

    it('is independent of another session of the same executor', async () => {
      await withSession(async (session, executor) => {
        const expected = await logitsOf(executor, [[5, 6, 7]]);
        const other = await executor.openSession(16);
        const runs = [session.run({ tokens: [5], logits: 'all' }), other.run({ tokens: [70, 71], logits: 'last' })];
        const [first] = await Promise.all(runs);
        await other.run({ tokens: [72], logits: 'last' });
        const rest = await session.run({ tokens: [6, 7], logits: 'all' });
        expectAlike(executor, joined([first?.logits ?? new Float32Array(), rest.logits]), expected);
      });
    });

    it('computes no logits where none are asked for, and every tapped value all the same', async () => {
      await withSession(async (session, executor) => {
        const seen: ValueId[] = [];
        const values = new Set([executor.program.logits, 'layer-0/attn_norm']);
        const tap = { values, onValue: (value: ValueId): void => void seen.push(value) };
        const { logits } = await session.run({ tokens: [1, 2], logits: 'none', tap });
        expect(logits).toHaveLength(0);
        expect(seen).toEqual(['layer-0/attn_norm', executor.program.logits]);
      });
    });

    it('waits for a slow tap, and passes on what it throws', async () => {
      await withSession(async (session, executor) => {
        let isDone = false;
        const values = new Set([executor.program.logits]);
        const slow = async (): Promise<void> => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          isDone = true;
        };
        await session.run({ tokens: [1], logits: 'last', tap: { values, onValue: slow } });
        expect(isDone).toBe(true);
        const failing = { values, onValue: (): Promise<void> => Promise.reject(new Error('no room')) };
        await expect(session.run({ tokens: [1], logits: 'last', tap: failing })).rejects.toThrow('no room');
        expect(session.positionCount).toBe(1);
        await session.run({ tokens: [2], logits: 'last' });
      });
    });

    it('stops where it is aborted, holds what it held, and goes on as if nothing had been', async () => {
      await withSession(async (session, executor) => {
        const expected = await logitsOf(executor, [[1, 2, 3]]);
        await session.run({ tokens: [1], logits: 'none' });
        const controller = new AbortController();
        const values = new Set(executor.program.values.map(({ id }) => id));
        const seen: ValueId[] = [];
        const onValue = (value: ValueId): void => {
          seen.push(value);
          controller.abort(new Error('enough'));
        };
        const request = { tokens: [4, 5], logits: 'all', signal: controller.signal } as const;
        await expect(session.run({ ...request, tap: { values, onValue } })).rejects.toThrow('enough');
        expect(seen).toHaveLength(1);
        await expect(session.run(request)).rejects.toThrow('enough');
        expect(session.positionCount).toBe(1);
        const { logits } = await session.run({ tokens: [2, 3], logits: 'all' });
        expectAlike(executor, logits, expected.slice(SMALL_CONFIG.vocabSize));
      });
    });

    it('refuses bad requests with a code, and stays usable', async () => {
      await withSession(async (session) => {
        const refused = (request: Partial<RunRequest>): Promise<unknown> =>
          session.run({ tokens: [1], logits: 'last', ...request }).catch((error: { code?: string }) => error.code);
        expect(await refused({ tokens: [] })).toBe('E_NO_TOKENS');
        for (const id of [-1, SMALL_CONFIG.vocabSize, 1.5, Number.NaN, 2 ** 53, Infinity]) {
          expect(await refused({ tokens: [1, id] })).toBe('E_TOKEN_ID');
        }
        expect(await refused({ tokens: Array.from({ length: 17 }, () => 1) })).toBe('E_CONTEXT_FULL');
        expect(await refused({ tap: { values: new Set(['layer-9/q']), onValue: () => {} } })).toBe('E_TAP_VALUE');
        for (const length of [-1, 1, 0.5, Number.NaN]) {
          expect(() => session.truncate(length)).toThrow(expect.objectContaining({ code: 'E_TRUNCATE' }));
        }
        expect(session.positionCount).toBe(0);
        expect((await session.run({ tokens: [1], logits: 'last' })).logits.every(Number.isFinite)).toBe(true);
      });
    });

    it('refuses a second run, a truncation and a close while one is in progress', async () => {
      await withSession(async (session, executor) => {
        const busy = expect.objectContaining({ code: 'E_SESSION_STATE' });
        const onValue = async (): Promise<void> => {
          await expect(session.run({ tokens: [1], logits: 'last' })).rejects.toEqual(busy);
          expect(() => session.truncate(0)).toThrow(busy);
          expect(() => session.close()).toThrow(busy);
        };
        await session.run({
          tokens: [1],
          logits: 'last',
          tap: { values: new Set([executor.program.logits]), onValue },
        });
        session.close();
        await expect(session.run({ tokens: [1], logits: 'last' })).rejects.toEqual(busy);
      });
    });

    it('is refused for a length that the model does not take, and after closing', async () => {
      const executor = await open(openExecutor, SMALL_CONFIG);
      for (const length of [0, -1, 1.5, SMALL_CONFIG.contextLength + 1, Number.NaN]) {
        await expect(executor.openSession(length)).rejects.toMatchObject({ code: 'E_CONTEXT_LENGTH' });
      }
      await executor.close();
      await expect(executor.openSession(8)).rejects.toMatchObject({ code: 'E_EXECUTOR_CLOSED' });
    });
  });
}

function describeMalformed(name: string, openExecutor: OpenExecutor): void {
  describe(`${name}: a malformed program`, () => {
    const program = syntheticProgram(SMALL_CONFIG);
    const weights = syntheticWeights(program, () => 'q8_0', 7);
    const openWith =
      (rest: Partial<Program>, change = (op: Op) => op) =>
      (): Promise<Executor> =>
        openExecutor({ ...program, ops: program.ops.map(change), ...rest }, weights);
    const onOp = <Name extends Op['op']>(name: Name, change: Partial<Extract<Op, { op: Name }>>) =>
      openWith({}, (op) => (op.op === name ? ({ ...op, ...change } as Op) : op));
    const onRope = (change: Partial<SyntheticConfig['rope']>) =>
      onOp('rope', { rope: { ...SMALL_CONFIG.rope, ...change } });
    const onScaling = (scaling: RopeScaling) => onRope({ scaling });
    const { ops, values } = program;

    it.each<[what: string, code: string, open: () => Promise<Executor>]>([
      ['an op that reads what nobody wrote', 'E_PROGRAM', onOp('silu', { in: 'layer-0/nothing' })],
      ['a value written twice', 'E_PROGRAM', openWith({ ops: [...ops, ...ops.slice(-1)] })],
      ['a value declared twice', 'E_PROGRAM', openWith({ values: [...values, ...values] })],
      ['a value that is not declared', 'E_PROGRAM', openWith({ values: values.slice(1) })],
      ['no logits', 'E_PROGRAM', openWith({ logits: 'lost' })],
      ['logits of another width', 'E_PROGRAM', openWith({ logits: 'final_norm' })],
      ['an unknown op', 'E_PROGRAM', onOp('silu', { op: 'erf' } as object)],
      ['heads that do not divide', 'E_PROGRAM', onOp('attention', { kvHeadCount: 3 })],
      ['a head count of zero', 'E_PROGRAM', onOp('attention', { headCount: 0 })],
      ['a window of zero', 'E_PROGRAM', onOp('attention', { window: 0 })],
      ['a second cache of one layer', 'E_PROGRAM', onOp('attention', { layer: 0 })],
      ['a rotation wider than the head', 'E_PROGRAM', onRope({ rotaryDim: 18 })],
      ['an odd rotation', 'E_PROGRAM', onRope({ rotaryDim: 3 })],
      ['a scaling with a factor of 0', 'E_PROGRAM', onScaling({ type: 'linear', factor: 0 })],
      ['an attention factor that is not a number', 'E_PROGRAM', onScaling({ ...YARN, attentionFactor: Number.NaN })],
      ['a rope factor too few', 'E_PROGRAM', onScaling({ ...LONGROPE, short: [1, 2, 3] })],
      ['a rope factor below 0', 'E_PROGRAM', onScaling({ ...LONGROPE, short: [1, 1, 1, 1, 1, 1, 1, -1] })],
      ['an infinite rope factor', 'E_PROGRAM', onScaling({ ...LONGROPE, long: [1, 1, 1, 1, 1, 1, 1, Infinity] })],
      ['dynamic scaling of one pair', 'E_PROGRAM', onRope({ rotaryDim: 2, scaling: DYNAMIC })],
      ['rope factors that are missing', 'E_PROGRAM_WEIGHT', onScaling(LONGROPE)],
      [
        'rope factors of another shape',
        'E_PROGRAM_WEIGHT',
        onScaling({ ...LONGROPE, short: 'blk.0.attn_norm.weight' }),
      ],
      ['an eps that is not a number', 'E_PROGRAM', onOp('rmsnorm', { eps: Number.NaN })],
      ['a weight that is missing', 'E_PROGRAM_WEIGHT', onOp('matmul', { weight: 'blk.0.lost' })],
      ['a matrix of another shape', 'E_PROGRAM_WEIGHT', onOp('matmul', { weight: 'token_embd.weight' })],
      ['a gain of another shape', 'E_PROGRAM_WEIGHT', onOp('rmsnorm', { weight: 'blk.0.attn_k.bias' })],
    ])('with %s is refused', async (_, code, openIt) => {
      await expect(openIt()).rejects.toMatchObject({ code });
    });

    it('with a weight whose bytes do not fit its shape is refused', async () => {
      const short = { ...weights, info: (name: string) => shorten(weights.info(name)) };
      await expect(openExecutor(program, short)).rejects.toMatchObject({ code: 'E_PROGRAM_WEIGHT' });
    });
  });
}

function shorten<Info extends { byteLength: number }>(info: Info | undefined): Info | undefined {
  return info && { ...info, byteLength: info.byteLength - 1 };
}

/** All logits of a fresh session, over the given runs. */
async function logitsOf(executor: Executor, runs: readonly (readonly number[])[]): Promise<engine.FloatArray> {
  const session = await executor.openSession(32);
  const parts: engine.FloatArray[] = [];
  for (const tokens of runs) parts.push((await session.run({ tokens, logits: 'all' })).logits);
  session.close();
  return joined(parts);
}

function joined(parts: readonly engine.FloatArray[]): engine.FloatArray {
  const all = parts.flatMap((part) => [...part]);
  return parts[0] instanceof Float64Array ? Float64Array.from(all) : Float32Array.from(all);
}
