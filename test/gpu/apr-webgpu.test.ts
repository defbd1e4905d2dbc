// The programs on WebGPU: the adapter in software, asked for by name.
import { describe, expect, it } from 'vitest';
import { apr } from '../cli/apr-process.ts';
import { planted } from '../fixtures/plant.ts';

const MODEL = 'models/sums-2m/sums-2m.q4_k_m.gguf';
const SOFTWARE = ['--engine', 'webgpu', '--adapter', 'swiftshader'];

interface Said {
  text: string;
  executor: object;
  usage: object;
}

describe('apr --engine webgpu', () => {
  it('gives the greedy text of the CPU, and says what ran', async () => {
    const ask = ['run', MODEL, '--prompt', '12+30=', '--temperature', '0', '--json'];
    const [gpu, cpu] = [await apr([...ask, ...SOFTWARE]), await apr(ask)];
    expect(gpu.exitCode).toBe(0);
    const [onGpu, onCpu] = [gpu, cpu].map(({ stdout }) => JSON.parse(stdout) as Said);
    expect(onGpu?.text).toBe(onCpu?.text);
    expect(onGpu?.executor).toMatchObject({ requested: 'webgpu', ran: 'webgpu' });
    expect(onGpu?.usage).toMatchObject({ submits: 1, mostPerLayer: 6 });
    expect(JSON.stringify(onGpu?.executor)).toContain('swiftshader');
  });

  it('passes the check of every op, by the budgets that WGSL allows', async () => {
    const { stdout, exitCode } = await apr(['check', MODEL, '--prompt', '7+8=', '--json', ...SOFTWARE]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'PASS', engine: { ran: 'webgpu' } });
  });

  it('is declined where the adapter is not there, and never runs on the CPU instead', async () => {
    const { stdout, stderr, exitCode } = await apr([
      'run',
      MODEL,
      '1+1=',
      '--engine',
      'webgpu',
      '--adapter',
      'no such card',
    ]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('E_ENGINE_ABSENT');
  });

  it('takes an adapter for no other engine', async () => {
    const { stderr, exitCode } = await apr(['run', MODEL, '1+1=', '--adapter', 'swiftshader']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('it goes with --engine webgpu');
  });
});

const TINY = 'models/tiny/qwen2/model.gguf';
const IDS = ['--tokens', '3,5,9', '--max-tokens', '2'];

describe('apr run without --engine', () => {
  const RUN = ['run', TINY, ...IDS, '--json'];
  const MAYBE = {
    file: 'executors.ts',
    find: "ruledOut: async () => (await import('./gpu/node/may-have-gpu.ts')).whyNoGpu()",
    replace: 'ruledOut: async () => null',
  };
  /** The adapter in software, taken for a real one. */
  const REAL = {
    file: 'gpu/node/adapters.ts',
    find: 'isSoftware: adapter.info.isFallbackAdapter',
    replace: 'isSoftware: false',
  };

  it('is the CPU where the only adapter is in software, and says why', async () => {
    const { stdout, exitCode } = await apr(RUN, planted(MAYBE));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      executor: {
        requested: 'auto',
        ran: 'cpu',
        adapter: null,
        why: expect.stringMatching(
          /^auto is the CPU; webgpu cannot run: the only adapter is .*swiftshader.*in software/i,
        ),
      },
      parityGate: null,
    });
  });

  it('is webgpu where an adapter is real, behind the gate', async () => {
    const { stdout, exitCode } = await apr(RUN, planted(MAYBE, REAL));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      executor: { requested: 'auto', ran: 'webgpu', why: 'auto is webgpu' },
      parityGate: { verdict: 'PASS' },
    });
  });

  it('is the CPU where the GPU cannot open the model, and says why', async () => {
    const full = {
      file: 'gpu/node/host.ts',
      find: "case 'open': {",
      replace: "case 'open': { throw sent;",
    };
    const error = {
      file: 'gpu/node/host.ts',
      find: "process.on('disconnect'",
      replace:
        "import { RefuteError } from '../../errors.ts'; const sent = new RefuteError({ code: 'E_GPU_MEMORY', place: 'token_embd.weight', is: 'there is no memory left for it' }); process.on('disconnect'",
    };
    const { stdout, exitCode } = await apr(RUN, planted(MAYBE, REAL, full, error));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      executor: {
        ran: 'cpu',
        why: 'auto is the CPU; webgpu cannot run this model: token_embd.weight: there is no memory left for it',
      },
    });
  });
});

describe('--adapter', () => {
  it('is a part of a name in any case, and what there is is listed where none fits', async () => {
    const run = ['run', TINY, ...IDS, '--json', '--engine', 'webgpu', '--adapter'];
    const found = await apr([...run, 'SUBZERO'], { SKIP_PARITY_GATE: '1' });
    expect(JSON.parse(found.stdout)).toMatchObject({ executor: { adapter: expect.stringContaining('swiftshader') } });
    const absent = await apr([...run, 'no such card']);
    expect(absent).toMatchObject({ exitCode: 2, stdout: '' });
    expect(absent.stderr).toMatch(/no adapter's name has "no such card" in it; there is .*swiftshader.*, in software/i);
  });
});

it('compares with the CPU position by position, and judges every op', async () => {
  const ask = ['parity', TINY, '--tokens', '3,5,9,11', ...SOFTWARE];
  const { stdout, exitCode } = await apr([...ask, '--json']);
  expect(exitCode, stdout).toBe(0);
  const said = JSON.parse(stdout) as { positions: Record<string, unknown>[]; rhoByOp: { rhoProven: number }[] };
  expect(said).toMatchObject({
    kind: 'parity-with-cpu',
    verdict: 'PASS',
    executor: { ran: 'webgpu' },
    parity: { verdict: 'PASS', counts: { positions: 3 } },
    check: { verdict: 'PASS', coverage: { judgedOps: 41 } },
  });
  expect(said.positions.map(({ position, isGating, isSameTop }) => [position, isGating, isSameTop])).toEqual([
    [0, false, true],
    [1, true, true],
    [2, true, true],
    [3, true, true],
  ]);
  for (const { cosine, maxAbsDifference, distance } of said.positions) {
    expect(Number(cosine)).toBeGreaterThan(0.999_999);
    expect(Number(maxAbsDifference)).toBeLessThan(1e-4);
    expect(Number(distance)).toBeLessThan(1e-8);
  }
  expect(said.rhoByOp.length).toBeGreaterThan(8);
  for (const { rhoProven } of said.rhoByOp) expect(rhoProven).toBeLessThanOrEqual(1);
  const text = await apr(ask);
  expect(text.stdout).toMatch(/^PASS: .* and the CPU agree at 3 of 3 positions/);
  expect(text.stdout).toMatch(/matmul +\w+ +\d+ +0\.\d+/);
});

it('says what a token costs in dispatches, with --trace', async () => {
  const run = ['run', TINY, ...IDS, '--trace', '--stages', 'lm_head', '--trace-steps', '0', ...SOFTWARE];
  const { stderr } = await apr(run);
  const said = /dispatches: (\d+) a token, at most (\d+) a layer \(1 submit\)/.exec(stderr);
  expect(Number(said?.[2]), stderr).toBeGreaterThan(0);
  expect(Number(said?.[2])).toBeLessThanOrEqual(8);
});
