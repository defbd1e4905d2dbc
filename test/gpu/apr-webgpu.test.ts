// The programs on WebGPU: the adapter in software, asked for by name.
import { describe, expect, it } from 'vitest';
import { apr } from '../cli/apr-process.ts';

const MODEL = 'models/sums-2m/sums-2m.q4_k_m.gguf';
const SOFTWARE = ['--engine', 'webgpu', '--adapter', 'swiftshader'];

describe('apr --engine webgpu', () => {
  it('gives the greedy text of the CPU, and says what ran', async () => {
    const ask = ['run', MODEL, '--prompt', '12+30=', '--temperature', '0', '--json'];
    const [gpu, cpu] = [await apr([...ask, ...SOFTWARE]), await apr(ask)];
    expect(gpu.exitCode).toBe(0);
    const [onGpu, onCpu] = [gpu, cpu].map(({ stdout }) => JSON.parse(stdout) as { text: string; executor: object });
    expect(onGpu?.text).toBe(onCpu?.text);
    expect(onGpu?.executor).toMatchObject({ requested: 'webgpu', ran: 'webgpu' });
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
