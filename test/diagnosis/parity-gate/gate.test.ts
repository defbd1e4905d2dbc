// The gate, with CPU executors in the place of a GPU: what it asks, what it refuses, what is kept of it.
import { describe, expect, it } from 'vitest';
import { gateTokens } from '../../../src/diagnosis/parity-gate/gate-tokens.ts';
import { runGate, type GateOptions } from '../../../src/diagnosis/parity-gate/gate.ts';
import { keptGate, type GateAbout, type GateStore } from '../../../src/diagnosis/parity-gate/kept-gate.ts';
import { sampledOps } from '../../../src/diagnosis/parity-gate/sampled-ops.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import { openModel, type Model } from '../../../src/engine/index.ts';
import type { Executor } from '../../../src/engine/program/executor.ts';
import type { Op, Program } from '../../../src/engine/program/program.ts';

const model = await openModel('models/sums-2m/sums-2m.q4_k_m.gguf');

/** @param change of the program that the executor under the gate runs; the judge's stays as it is */
async function gated(change: (op: Op) => Op = (op) => op): Promise<{ executor: Executor; options: GateOptions }> {
  const { program, weights } = model;
  const changed: Program = { ...program, ops: program.ops.map(change) };
  const executor = await openCpuExecutor(changed, weights);
  const openReference = (): Promise<Executor> => openCpuExecutor(program, weights);
  return { executor, options: { executor, openReference, program, weights, tokens: gateTokens(model.text, program) } };
}

class MemoryStore implements GateStore {
  readonly texts = new Map<string, string>();
  read = async (key: string): Promise<string | null> => this.texts.get(key) ?? null;
  write = async (key: string, text: string): Promise<void> => void this.texts.set(key, text);
}

const ENGINE = { adapter: 'a', driver: '1.0', sourceDigest: 'f00' };
const ABOUT: GateAbout = { engine: async () => ENGINE, modelSha256: 'abc', judge: '0.1.0' };

describe('the gate', () => {
  it('passes a healthy executor, with ops of every kind judged', async () => {
    const { executor, options } = await gated();
    const report = await runGate(options);
    expect(report).toMatchObject({ verdict: 'PASS', at: null, opCount: 79 });
    expect(report.positions).toHaveLength(17);
    expect(report.leastCosine).toBeGreaterThan(0.999_999);
    expect(new Set(report.rhoByOp.map(({ op }) => op))).toEqual(new Set(model.program.ops.map(({ op }) => op)));
    await executor.close();
  });

  it('finds a fault of one layer that the logits do not show', async () => {
    const { executor, options } = await gated((op) =>
      op.op === 'rmsnorm' && op.out === 'layer-2/attn_norm' ? { ...op, eps: 1e-3 } : op,
    );
    const report = await runGate(options);
    expect(report).toMatchObject({ verdict: 'FAIL', at: { layer: 2, op: 'rmsnorm', value: 'layer-2/attn_norm' } });
    expect(report.positions.some(({ isRejected }) => isRejected)).toBe(false);
    await executor.close();
  });

  it('names the op that is at fault, though it is not among those that are judged first', async () => {
    const sampled = sampledOps(model.program, model.weights);
    const { executor, options } = await gated((op) =>
      op.out === 'layer-2/ffn_gate' && op.op === 'matmul' ? { ...op, weight: 'blk.2.ffn_up.weight' } : op,
    );
    expect(sampled.has('layer-2/ffn_gate')).toBe(false);
    expect(await runGate(options)).toMatchObject({
      verdict: 'FAIL',
      bugClass: 'FFN_FAILURE',
      at: { layer: 2, op: 'matmul', value: 'layer-2/ffn_gate' },
      sentence: expect.stringMatching(/`matmul` .*its logits are not the CPU's at position \d+/),
    });
    await executor.close();
  });

  it('refuses an executor whose logits change when its values are looked at', async () => {
    const { executor, options } = await gated();
    const openSession = executor.openSession.bind(executor);
    executor.openSession = async (length) => {
      const session = await openSession(length);
      const run = session.run.bind(session);
      session.run = async (request) => {
        const answer = await run(request);
        if (request.tap !== undefined) answer.logits[0] = (answer.logits[0] ?? 0) + 1e-6;
        return answer;
      };
      return session;
    };
    const report = await runGate(options);
    expect(report).toMatchObject({ verdict: 'FAIL', bugClass: 'PATH_DIVERGENCE' });
    await executor.close();
  });

  it('stops when it is told to', async () => {
    const { executor, options } = await gated();
    await expect(runGate({ ...options, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    await executor.close();
  });
});

describe('what is kept of a gate', () => {
  it('is taken for the same model, adapter, driver, engine and judge, and for no other', async () => {
    const { executor, options } = await gated();
    const store = new MemoryStore();
    const how = async (about: Partial<GateAbout> = {}): Promise<string> =>
      (await keptGate(options, { ...ABOUT, ...about }, store)).how;
    expect([await how(), await how()]).toEqual(['ran', 'cached']);
    for (const other of [
      { modelSha256: 'abd' },
      { judge: '0.1.1' },
      ...Object.keys(ENGINE).map((key) => ({ engine: async () => ({ ...ENGINE, [key]: 'other' }) })),
    ]) {
      expect([await how(other), await how(other)]).toEqual(['ran', 'cached']);
    }
    await executor.close();
  });

  it.each([
    ['cut', (text: string) => text.slice(0, -20)],
    ['of another subject', (text: string) => text.replace('f00', 'f01')],
    ['of another verdict', (text: string) => text.replace('"verdict":"PASS"', '"verdict":"FAIL"')],
    ['empty', () => ''],
    ['no object', () => 'null'],
  ])('is not taken where it is %s', async (_, damage) => {
    const { executor, options } = await gated();
    const store = new MemoryStore();
    await keptGate(options, ABOUT, store);
    for (const [key, text] of store.texts) store.texts.set(key, damage(text));
    expect((await keptGate(options, ABOUT, store)).how).toBe('ran');
    await executor.close();
  });

  it('is no refusal: that is found again', async () => {
    const { executor, options } = await gated((op) => (op.op === 'rmsnorm' ? { ...op, eps: 1e4 } : op));
    const store = new MemoryStore();
    expect(await keptGate(options, ABOUT, store)).toMatchObject({ how: 'ran', verdict: 'FAIL' });
    expect(store.texts.size).toBe(0);
    await executor.close();
  });
});

describe('the tokens of a gate', () => {
  it('fill many positions and one more, and never more than the context', () => {
    const { text, program } = model;
    expect(gateTokens(text, program)).toHaveLength(17);
    expect(gateTokens(text, { ...program, contextLength: 5 })).toHaveLength(5);
  });

  it('are ids by chance, the same each time, where there is no tokenizer', async () => {
    const tiny: Model = await openModel('models/tiny/qwen2/model.gguf');
    const ids = gateTokens(tiny.text, tiny.program);
    expect(ids).toEqual(gateTokens(tiny.text, tiny.program));
    expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tiny.program.vocabSize)).toBe(true);
    await tiny.close();
  });
});
