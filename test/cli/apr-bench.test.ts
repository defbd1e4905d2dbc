// apr bench as a user gives it. How fast anything is decides nothing here.
import { describe, expect, it } from 'vitest';
import { findPackageBuild } from '../../src/oracles/external/llama-cpp-subject/package-build.ts';
import { apr, aprJson } from './apr-process.ts';

const MODEL = 'models/sums-2m/sums-2m.q4_k_m.gguf';
const FEW = ['--prompt-tokens', '9', '--decode-tokens', '4', '--rounds', '2'];

interface Report {
  engines: { name: string; prefill: Speed; decode: Speed }[];
  ratios: Record<'prefill' | 'decode', number> | null;
  medianRatios: Record<'prefill' | 'decode', number> | null;
  weights: { bytesPerToken: number; bytesPerSecond: number };
  readBytesPerSecond: number | null;
  memory: { peakBytes: number };
  ops: { name: string; ms: number }[] | null;
}
interface Speed {
  best: number;
  median: number;
}

describe('apr bench', () => {
  it('says of the CPU what was measured, and op by op where the time of a token goes', async () => {
    const { said, json } = await aprJson(['bench', MODEL, ...FEW, '--ops']);
    expect(said.exitCode, said.stderr).toBe(0);
    const report = json as unknown as Report;
    expect(report).toMatchObject({ schemaVersion: 1, promptTokens: 9, decodeTokens: 4, rounds: 2, ratios: null });
    const [cpu] = report.engines;
    expect(cpu?.name).toBe('cpu');
    for (const { best, median } of [cpu?.prefill, cpu?.decode].flatMap((speed) => speed ?? [])) {
      expect(median).toBeGreaterThan(0);
      expect(best).toBeGreaterThanOrEqual(median);
    }
    const { bytesPerToken, bytesPerSecond } = report.weights;
    // All of its matrices: the embedding is its head as well.
    expect(bytesPerToken).toBeGreaterThan(1_400_000);
    expect(bytesPerToken).toBeLessThan(1_600_000);
    expect(bytesPerSecond).toBeCloseTo(bytesPerToken * (cpu?.decode.best ?? 0));
    expect(report.readBytesPerSecond).toBeGreaterThan(1e8);
    // 256 MiB are read to measure that; they are not the engine's.
    expect(report.memory.peakBytes).toBeLessThan(300e6);
    const names = report.ops?.map(({ name }) => name) ?? [];
    expect(names).toEqual(expect.arrayContaining(['matmul q4_k', 'matmul q6_k', 'attention', 'rmsnorm']));
  });

  it.skipIf('absent' in findPackageBuild())(
    'measures llama.cpp in turns, and gives ratios of the figures',
    async () => {
      const { said, json } = await aprJson(['bench', MODEL, ...FEW, '--compare', 'llama.cpp', '--threads', '1']);
      expect(said.exitCode, said.stderr).toBe(0);
      const { engines, ratios, medianRatios } = json as unknown as Report;
      const [ours, theirs] = engines;
      expect(theirs?.name).toMatch(/^llama\.cpp \S+, cpu \w+, flash attention o/);
      for (const part of ['prefill', 'decode'] as const) {
        expect(ratios?.[part]).toBe((ours?.[part].best ?? 0) / (theirs?.[part].best ?? 0));
        expect(medianRatios?.[part]).toBe((ours?.[part].median ?? 0) / (theirs?.[part].median ?? 0));
        expect(theirs?.[part].best).toBeGreaterThan(0);
      }
    },
  );

  it('prints a table of what it measured', async () => {
    const { stdout, exitCode } = await apr(['bench', MODEL, ...FEW]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^engine +prefill +median +decode +median$/m);
    expect(stdout).toMatch(/^cpu +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+$/m);
    expect(stdout).toMatch(/% of what one thread reads here \([\d.]+ GB\/s\)/);
  });

  it('declines to compare what llama.cpp does not read', async () => {
    const { exitCode, stderr, stdout } = await apr(['bench', 'models/tiny/qwen2/hf', ...FEW, '--compare', 'llama.cpp']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/E_SUBJECT_(FILE|ABSENT)/);
  });

  it('sets no other engine beside what a thread of the CPU reads', async () => {
    const { json } = await aprJson(['bench', 'models/tiny/qwen2/model.gguf', ...FEW, '--engine', 'float64']);
    expect(json).toMatchObject({ engines: [{ name: 'float64' }], readBytesPerSecond: null });
  });

  it.each([
    [['--threads', '2'], 'E_USAGE', 'it goes with --compare'],
    [['--adapter', 'x'], 'E_USAGE', 'it goes with --engine webgpu'],
    [['--ops', '--engine', 'float64'], 'E_USAGE', 'it goes with --engine cpu'],
    [['--rounds', '0'], 'E_OPTION', 'from 1'],
    [['--prompt-tokens', '5000'], 'E_CONTEXT', '5032'],
  ])('%j is refused', async (args, code, words) => {
    const { exitCode, stderr, stdout } = await apr(['bench', MODEL, ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toContain(code);
    expect(stderr).toContain(words);
  });

  it('has examples that run', async () => {
    const { stdout } = await apr(['bench', '--help']);
    const examples = [...stdout.matchAll(/^ {2}\$ apr (bench models\/.+)$/gm)].map((match) => match[1] ?? '');
    expect(examples).toHaveLength(2);
    for (const example of examples) {
      const { exitCode, stderr } = await apr(example.split(' '));
      expect(exitCode, stderr).toBe(/E_SUBJECT_ABSENT/.test(stderr) ? 2 : 0);
    }
  });
});
