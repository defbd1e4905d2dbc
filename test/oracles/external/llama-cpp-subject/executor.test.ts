// llama.cpp as an executor: its values have our names, taps change nothing, sessions go back and forth, and whatever
// happens to its process is an error of ours. Runs wherever the package is, which on Linux x64 it must be.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../../src/engine/model/open-model.ts';
import type { Model } from '../../../../src/engine/model/model.ts';
import type { Executor, FloatArray, SubjectOptions } from '../../../../src/engine/program/executor.ts';
import { openFloat64Executor } from '../../../../src/oracles/float64/float64-executor.ts';
import { LlamaCppChild } from '../../../../src/oracles/external/llama-cpp-subject/child-process.ts';
import { programInGraph } from '../../../../src/oracles/external/llama-cpp-subject/graph-forms.ts';
import { openLlamaCppExecutor } from '../../../../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';
import type { LlamaCppExecutor } from '../../../../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';
import { findPackageBuild } from '../../../../src/oracles/external/llama-cpp-subject/package-build.ts';
import { tinyGgufBytes } from '../../../../falsifiers/kit/models/tiny-gguf.ts';
import { tinyModel, tinyShape } from '../../../../falsifiers/kit/models/tiny-model.ts';
import { refusal } from '../../../fixtures/refusal.ts';
import { temporaryFolder } from '../../../fixtures/temporary-folder.ts';

const MODELS = fileURLToPath(new URL('../../../../models/', import.meta.url));
const SUMS = `${MODELS}sums-2m/sums-2m.q4_k_m.gguf`;
const TOKENS = [3, 17, 17, 42, 79, 0, 5, 61, 28];

const folder = await temporaryFolder();
const build = findPackageBuild();
const isHere = !('absent' in build);

const open = (
  model: Model,
  options: Partial<SubjectOptions> = {},
  silenceLimitMs?: number,
): Promise<LlamaCppExecutor> =>
  openLlamaCppExecutor(
    model.program,
    model.weights,
    { subject: { modelPath: model.path, ...options } },
    silenceLimitMs === undefined ? {} : { silenceLimitMs },
  );

interface Ran {
  logits: FloatArray;
  values: Map<string, number[]>;
}

/** In pieces of so many tokens. */
async function runIn<Data extends FloatArray>(
  executor: Executor<Data>,
  pieces: readonly number[],
  values: Iterable<string>,
): Promise<Ran> {
  const session = await executor.openSession(TOKENS.length);
  const taken = new Map<string, number[]>();
  const onValue = (value: string, data: Data): void => {
    taken.set(value, [...(taken.get(value) ?? []), ...data]);
  };
  let logits: FloatArray = new Float32Array(0);
  for (const count of pieces) {
    const tokens = TOKENS.slice(session.positionCount, session.positionCount + count);
    ({ logits } = await session.run({ tokens, logits: 'last', tap: { values: new Set(values), onValue } }));
  }
  session.close();
  return { logits, values: taken };
}

const shownBy = ({ program, hidden }: LlamaCppExecutor): string[] =>
  program.values.flatMap(({ id }) => (hidden.has(id) ? [] : [id]));

/** Of the whole, by its size. */
function distance(a: readonly number[] = [], b: readonly number[] = []): number {
  if (a.length !== b.length || a.length === 0) return Number.NaN;
  const squares = a.reduce((sum, value) => sum + value ** 2, 0);
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] ?? Number.NaN)) ** 2, 0) / squares);
}

/** Weights are float16, and so are the activations that they are multiplied by: 2^-11 of each, and layers of it. */
const FAR = 0.02;

describe.skipIf(!isHere)('the values of llama.cpp', () => {
  it.each([
    ['llama', ['ffn_silu']],
    ['qwen2', ['ffn_silu']],
    ['qwen3', ['ffn_silu']],
    ['qwen3moe', ['moe_silu']],
    ['gemma2', ['ffn_gelu']],
    ['gemma3', ['ffn_gelu']],
    ['phi3-longrope', ['ffn_silu']],
    ['llama-yarn', ['ffn_silu']],
    ['llama-longrope', ['ffn_silu']],
  ])('of %s are ours under our names, all but %s', async (name, hidden) => {
    await areOurs(`${MODELS}tiny/${name}/model.gguf`, hidden);
  });

  // It adds experts one by one: what is there after two is not yet the sum.
  it.each([1, 3, 4, 6])('are ours with %i of 6 experts used', async (usedCount) => {
    const path = join(folder, `experts-${usedCount}.gguf`);
    const keys = { expert_used_count: { type: 'u32', value: usedCount } } as const;
    await writeFile(path, await tinyGgufBytes(`${MODELS}tiny/qwen3moe/model.gguf`, keys));
    await areOurs(path, ['moe_silu']);
  });

  async function areOurs(path: string, hidden: readonly string[]): Promise<void> {
    const model = await openModel(path);
    const exact = await openFloat64Executor(model.program, model.weights);
    for (const flashAttention of ['off', 'on'] as const) {
      const executor = await open(model, { flashAttention, kvCache: 'f32' });
      expect(new Set([...executor.hidden].map((id) => id.replace(/.*\//, '')))).toEqual(new Set(hidden));
      const shown = shownBy(executor);
      const reference = await runIn(exact, [TOKENS.length], shown);
      for (const pieces of [[TOKENS.length], TOKENS.map(() => 1)]) {
        const { values } = await runIn(executor, pieces, shown);
        for (const id of shown) expect(distance(reference.values.get(id), values.get(id)), id).toBeLessThan(FAR);
      }
      await executor.close();
    }
    await exact.close();
    await model.close();
  }
});

describe.skipIf(!isHere)('a cache of llama.cpp', () => {
  it.each([
    ['q8_0', 64, 'q8_0', /kv q8_0, turned$/],
    ['q8_0', 32, 'q8_0', /kv q8_0$/],
    // Flash attention reads float32 through a copy in float16.
    ['f32', 32, 'f16', /kv f32$/],
    ['bf16', 32, 'bf16', /kv bf16$/],
  ] as const)(
    'of %s with heads of %i is %s to who reads it, and says whether it is turned',
    async (kvCache, headDim, read, said) => {
      const path = join(folder, `heads-${headDim}.gguf`);
      await writeFile(path, tinyModel(tinyShape(1, { headDim }), 1).bytes);
      const model = await openModel(path);
      const executor = await open(model, { flashAttention: 'on', kvCache });
      expect(executor.adapter).toMatch(said);
      expect(executor.profile.kvCache).toBe(read);
      const exact = await openFloat64Executor(model.program, model.weights);
      const values = shownBy(executor).filter((id) => id.endsWith('/attention'));
      expect(values).toHaveLength(2);
      const [ours, theirs] = [exact, executor].map((one) =>
        runIn<FloatArray>(one as Executor<FloatArray>, [9], values),
      );
      for (const id of values) {
        expect(distance((await ours)?.values.get(id), (await theirs)?.values.get(id)), id).toBeLessThan(FAR);
      }
      await exact.close();
      await executor.close();
      await model.close();
    },
  );
});

describe.skipIf(!isHere)('an executor of llama.cpp', () => {
  let model: Model;
  let executor: LlamaCppExecutor;

  beforeAll(async () => {
    model = await openModel(SUMS);
    executor = await open(model, { variant: 'sse42', flashAttention: 'off' });
  });

  afterAll(async () => {
    await executor.close();
    await model.close();
  });

  it('says which build it is, and what it stores its cache in', () => {
    expect(executor.adapter).toMatch(/^llama\.cpp v\S+, cpu sse42, flash attention off, kv f16$/);
    expect(executor.profile).toMatchObject({ kvCache: 'f16', gelu: 'f16-table' });
    expect(executor.profile.activations).toEqual({ q4_k: 'q8_k', q6_k: 'q8_k' });
    expect(executor.undeclared).toEqual(['activations', 'attention']);
    expect(executor.versions).toHaveProperty('node-llama-cpp');
  });

  it('gives the same bits with every tap open as with none, and again', async () => {
    const shown = shownBy(executor);
    const [closed, opened, again] = [[], shown, shown].map((values) => runIn(executor, [TOKENS.length], values));
    expect((await opened)?.logits).toEqual((await closed)?.logits);
    expect(await again).toEqual(await opened);
  });

  it('hands values on in the order of the program', async () => {
    const { values } = await runIn(executor, [TOKENS.length], shownBy(executor));
    expect([...values.keys()]).toEqual(shownBy(executor));
  });

  it('goes back, and on with the same bits; the rows asked for come', async () => {
    const session = await executor.openSession(TOKENS.length);
    const run = async (tokens: readonly number[], logits: 'all' | 'last' | 'none'): Promise<Float32Array> =>
      (await session.run({ tokens, logits })).logits;
    await run(TOKENS.slice(0, 4), 'none');
    const first = await run(TOKENS.slice(4, 5), 'last');
    await run([1, 2, 3], 'none');
    session.truncate(4);
    expect(await run(TOKENS.slice(4, 5), 'all')).toEqual(first);
    expect(await run(TOKENS.slice(5, 6), 'none')).toHaveLength(0);
    session.truncate(0);
    const all = await run(TOKENS, 'all');
    expect(all).toHaveLength(TOKENS.length * model.program.vocabSize);
    session.truncate(0);
    expect(await run(TOKENS, 'last')).toEqual(all.subarray(-model.program.vocabSize));
    session.close();
  });

  it('has sessions side by side', async () => {
    const [a, b] = await Promise.all([executor.openSession(4), executor.openSession(8)]);
    const runs = [a, b, a, b].map((session, i) => ({ session, tokens: [TOKENS[i] ?? 0] }));
    for (const { session, tokens } of runs) await session.run({ tokens, logits: 'none' });
    const alone = await executor.openSession(2);
    await alone.run({ tokens: [TOKENS[0] ?? 0], logits: 'none' });
    const { logits } = await alone.run({ tokens: [TOKENS[2] ?? 0], logits: 'last' });
    a.truncate(1);
    expect((await a.run({ tokens: [TOKENS[2] ?? 0], logits: 'last' })).logits).toEqual(logits);
    for (const session of [a, b, alone]) session.close();
  });

  it('refuses a tap of what its graph does not show', async () => {
    const session = await executor.openSession(2);
    const tap = { values: new Set(['layer-0/ffn_silu']), onValue: () => undefined };
    await refusal('E_TAP_HIDDEN', () => session.run({ tokens: [1], logits: 'none', tap }));
    session.close();
  });

  it('holds what it held where a run is aborted or a tap throws', async () => {
    const session = await executor.openSession(8);
    await session.run({ tokens: [1, 2], logits: 'none' });
    const stop = new AbortController();
    const values = new Set(shownBy(executor));
    const aborted = session.run({
      tokens: [3, 4],
      logits: 'all',
      signal: stop.signal,
      tap: { values, onValue: () => stop.abort(new Error('enough')) },
    });
    await expect(aborted).rejects.toThrow('enough');
    const tap = {
      values,
      onValue: () => {
        throw new Error('a broken sink');
      },
    };
    await expect(session.run({ tokens: [3, 4], logits: 'all', tap })).rejects.toThrow('a broken sink');
    expect(session.positionCount).toBe(2);
    const { logits } = await session.run({ tokens: [5], logits: 'last' });
    session.truncate(0);
    await session.run({ tokens: [1, 2], logits: 'none' });
    expect((await session.run({ tokens: [5], logits: 'last' })).logits).toEqual(logits);
    session.close();
  });

  it.each([
    ['E_SUBJECT_VARIANT', /has no build abacus; here run .*sse42/, { variant: 'abacus' }],
    ['E_SUBJECT_FILE', /not one GGUF file/, { modelPath: `${MODELS}tiny/llama/hf` }],
    ['E_SUBJECT_FILE', /not one GGUF file/, { modelPath: `${MODELS}nowhere.gguf` }],
    ['E_SUBJECT_MODEL', /quantized V cache/, { kvCache: 'q8_0', flashAttention: 'off' }],
  ] as const)('declines with %s: %s', async (code, words, options) => {
    const error = await refusal(code, () => open(model, options));
    expect(error).toMatchObject({ exitCode: 2, message: expect.stringMatching(words) });
  });

  it('declines a file that is not of this program', async () => {
    const other = await openModel(`${MODELS}tiny/llama/model.gguf`);
    await refusal('E_SUBJECT_PROGRAM', () => open(model, { modelPath: other.path }));
    await other.close();
  });
});

describe.skipIf(!isHere)('the process of llama.cpp', () => {
  const withModel = async (use: (model: Model) => Promise<void>): Promise<void> => {
    const model = await openModel(SUMS);
    try {
      await use(model);
    } finally {
      await model.close();
    }
  };

  it('that is killed in a run is a typed error, then and after', () =>
    withModel(async (model) => {
      const executor = await open(model);
      const session = await executor.openSession(8);
      const run = session.run({
        tokens: [1, 2, 3],
        logits: 'all',
        tap: {
          values: new Set(shownBy(executor)),
          onValue: () => {
            process.kill(executor.pid ?? Number.NaN, 'SIGKILL');
          },
        },
      });
      expect(await refusal('E_SUBJECT_DIED', () => run)).toMatchObject({ message: expect.stringMatching(/SIGKILL/) });
      await refusal('E_SUBJECT_DIED', () => session.run({ tokens: [1], logits: 'none' }));
      await refusal('E_SUBJECT_DIED', () => executor.openSession(8));
      session.close();
      await executor.close();
    }));

  it('that aborts says what the library said', () =>
    withModel(async ({ program, path }) => {
      if ('absent' in build) return;
      const child = new LlamaCppChild();
      const { architecture, vocabSize } = program;
      const options = { variant: null, modelPath: path, flashAttention: 'off', kvCache: 'f16', threads: 1 } as const;
      await child.ask({ type: 'open', build, ...options, architecture, vocabSize, ...programInGraph(program) });
      await child.ask({ type: 'session', session: 0, contextLength: 8, chunkPositions: 2 });
      // Two rows of logits were asked for, and now there are four.
      const run = {
        type: 'run',
        session: 0,
        firstPosition: 0,
        tokens: [1, 2, 3, 4],
        logits: 'all',
        values: [],
      } as const;
      const { message } = await refusal('E_SUBJECT_DIED', () => child.ask(run));
      expect(message).toMatch(/SIGABRT.*GGML_ASSERT/);
      await child.close();
    }));

  it('that hangs is ended', () =>
    withModel(async (model) => {
      const executor = await open(model, {}, 3_000);
      const session = await executor.openSession(8);
      process.kill(executor.pid ?? Number.NaN, 'SIGSTOP');
      await refusal('E_SUBJECT_SILENT', () => session.run({ tokens: [1], logits: 'last' }));
      session.close();
      await executor.close();
    }));

  it('is gone when the executor is closed, and answers no more', () =>
    withModel(async (model) => {
      const executor = await open(model);
      const { pid = Number.NaN } = executor;
      await executor.close();
      await refusal('E_EXECUTOR_CLOSED', () => executor.openSession(4));
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    }));
});

describe.skipIf(!isHere)('longrope', () => {
  it('is declined where llama.cpp rounds the context up beyond the original length, and the program does not', async () => {
    const model = await openModel(`${MODELS}tiny/llama-longrope/model.gguf`);
    const executor = await open(model);
    await refusal('E_SUBJECT_FREQUENCIES', () => executor.openSession(8));
    (await executor.openSession(9)).close();
    await executor.close();
    await model.close();
  });
});
