import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receiptName, ToyProject } from '../runner/toys/toy-project.ts';

describe('pv falsify', () => {
  let project: ToyProject;
  beforeEach(() => {
    project = new ToyProject();
  });
  afterEach(() => project.close());

  it('writes receipts, levels, version and changelog, and leaves every other byte alone', async () => {
    const before = project.read('contracts/square-v1.yaml');
    const { exitCode, stdout } = await project.pv(['falsify', '--all']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      '3 of 3 claims run · 2 survived, 1 falsified, 0 flaky, 0 not-run, 0 error · faults 3/3 red',
    );

    const contract = project.read('contracts/square-v1.yaml');
    expect(contract).toContain('version: "1.1.0"');
    expect(contract).toContain('unset -> DISCHARGED FALSIFY-SQ-001; unset -> NONE FALSIFY-SQ-002');
    expect(contract).toMatch(/discharge_evidence:[\s\S]*digest: "?sha256:[0-9a-f]{64}/);
    const kept = contract.split('\n').filter((line) => before.includes(line));
    expect(before.split('\n').filter((line) => !kept.includes(line))).toEqual(['  version: "1.0.0"']);
    expect(project.read('contracts/cube-v1.yaml')).toContain('version: "2.4.0"');
    expect(project.has(receiptName('square', 'FALSIFY-SQ-001'))).toBe(true);
  });

  it('changes no byte when nothing changed', async () => {
    await project.pv(['falsify', '--all']);
    const first = project.snapshot();
    const { stdout } = await project.pv(['falsify', '--all'], { env: { SOURCE_DATE_EPOCH: '1800000000' } });
    expect(stdout).toContain('0 receipts written, 3 unchanged');
    expect(project.snapshot()).toEqual(first);
  });

  it('writes nothing in a dry run', async () => {
    const before = project.snapshot();
    const { stdout } = await project.pv(['falsify', '--all', '--dry-run']);
    expect(stdout).toContain('nothing written');
    expect(project.snapshot()).toEqual(before);
  });

  it('leaves no receipt where the parity gate is skipped', async () => {
    const before = project.snapshot();
    const skipped = await project.pv(['falsify', '--all'], { env: { SKIP_PARITY_GATE: '1' } });
    expect(skipped).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('E_GATE_SKIPPED') });
    expect(project.snapshot()).toEqual(before);
    const looked = await project.pv(['falsify', '--all', '--dry-run'], { env: { SKIP_PARITY_GATE: '1' } });
    expect(looked.stdout).toContain('nothing written');
  });

  it('refuses a model for a part that runs on none', async () => {
    const argv = ['falsify', 'FALSIFY-SQ-001', '--model', 'x.gguf'];
    const { exitCode, stderr } = await project.pv([...argv, '--part', 'oracle']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('E_USAGE pv falsify --model: the oracle part is asked for');
  });

  it('prints and stores the shrunk counterexample, and replay finds it again', async () => {
    const { stdout, exitCode } = await project.pv(['falsify', 'FALSIFY-SQ-002']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('counterexample after');
    expect(stdout).toContain('{"x":100}');
    expect(stdout).toMatch(/replay: pv replay FALSIFY-SQ-002 --part generated --seed \d+/);
    const replayed = await project.pv(['replay', 'FALSIFY-SQ-002']);
    expect(replayed.exitCode).toBe(1);
    expect(replayed.stdout).toContain('generated 1/1 falsified');

    project.edit('src/multiply.ts', 'a * b', 'Math.min(9999, a * b)');
    const repaired = await project.pv(['replay', 'FALSIFY-SQ-002']);
    expect(repaired.exitCode).toBe(0);
  });

  it('finds the same counterexample by seed where none is stored', async () => {
    const first = await project.pv(['falsify', 'FALSIFY-SQ-002', '--dry-run', '--seed', '7']);
    const again = await project.pv(['replay', 'FALSIFY-SQ-002', '--part', 'generated', '--seed', '7']);
    expect(first.stdout).toContain('{"x":100}');
    expect(again.stdout).toContain('{"x":100}');
    expect(again.exitCode).toBe(1);
  });

  it('runs only what is stale, and says so when nothing is', async () => {
    await project.pv(['falsify', '--all']);
    project.edit('src/cube.ts', 'return x', 'return 1 * x');
    // The fault's text is still there once.
    const { stdout } = await project.pv(['falsify', '--all', '--stale']);
    expect(stdout).toContain('1 of 1 claims run');
    const nothing = await project.pv(['falsify', '--all', '--stale']);
    expect(nothing.exitCode).toBe(0);
    expect(nothing.stdout).toContain('0 of 3 claims are stale; nothing was run');
  });

  it('keeps the sections of parts that it did not run, as long as their inputs hold', async () => {
    await project.pv(['falsify', 'FALSIFY-SQ-001']);
    const whole = project.read(receiptName('square', 'FALSIFY-SQ-001'));
    const { stdout } = await project.pv(['falsify', 'FALSIFY-SQ-001', '--part', 'live']);
    expect(stdout).toContain('0 receipts written, 1 unchanged');
    expect(project.read(receiptName('square', 'FALSIFY-SQ-001'))).toBe(whole);
    project.edit('src/square.ts', 'export', '\nexport');
    await project.pv(['falsify', 'FALSIFY-SQ-001', '--part', 'live']);
    const status = JSON.parse((await project.pv(['status', '--json'])).stdout) as {
      claims: { claim: string; level: string }[];
    };
    expect(status.claims.find(({ claim }) => claim === 'FALSIFY-SQ-001')?.level).toBe('NONE');
  });

  it('prints one JSON document and nothing else', async () => {
    const { stdout } = await project.pv(['falsify', 'FALSIFY-SQ-001', '--dry-run', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      counts: { claims: 1, survived: 1 },
      claims: [{ id: 'FALSIFY-SQ-001', verdict: 'survived', faults: [{ verdict: 'red' }, { verdict: 'red' }] }],
    });
  });

  it.each([
    [['falsify'], 3],
    [['falsify', 'FALSIFY-SQ-999'], 3],
    [['falsify', 'NOTHING-*'], 2],
    [['falsify', '--all', '--seed', '-1'], 3],
    [['falsify', '--all', '--part', 'none'], 3],
    [['replay', 'FALSIFY-SQ-001'], 2],
  ] as const)('%j exits with %i', async (argv, exitCode) => {
    expect((await project.pv([...argv])).exitCode).toBe(exitCode);
  });

  it('declines in a folder without contracts', async () => {
    project.remove('contracts');
    const { exitCode, stderr } = await project.pv(['status']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('E_NO_CONTRACTS');
  });
});
