// `pv impact`: which claims hang on which files, on a toy project whose claims share one file and not another.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ToyProject } from '../runner/toys/toy-project.ts';

describe('pv impact', () => {
  let project: ToyProject;
  beforeAll(async () => {
    project = new ToyProject();
    await project.pv(['falsify', '--all']);
  });
  afterAll(() => project.close());

  it('shows the claims that a change makes stale, and how many of how many; that is what goes stale', async () => {
    const { stdout, exitCode } = await project.pv(['impact', 'src/multiply.ts']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/square-v1 +2 of 2 +FALSIFY-SQ-001, 002/);
    expect(stdout).not.toContain('cube-v1');
    expect(stdout).toContain('src/multiply.ts: a change makes 2 of 3 claims stale');

    const changed = new ToyProject(project);
    changed.edit('src/multiply.ts', 'return', '// a remark\n  return');
    const { claims } = JSON.parse((await changed.pv(['status', '--json'])).stdout) as {
      claims: { claim: string; freshness: string }[];
    };
    const stale = claims.filter(({ freshness }) => freshness === 'stale').map(({ claim }) => claim);
    const { stdout: json } = await project.pv(['impact', 'src/multiply.ts', '--json']);
    expect(JSON.parse(json)).toEqual({
      schemaVersion: 1,
      claims: 3,
      stale: stale.map((id) => ({ id, contract: 'square-v1' })),
      waiting: [],
      files: [{ file: 'src/multiply.ts', claims: stale }],
    });
    changed.close();
  });

  it('says of a table whom a line more makes stale: who walks through it', async () => {
    const tableOf = new ToyProject(project);
    tableOf.write('src/ops.ts', "export { square } from './square.ts';\nexport { cube } from './cube.ts';\n");
    tableOf.edit('falsifiers/cube-v1.ts', "'../src/cube.ts'", "'../src/ops.ts'");
    const walked = await tableOf.pv(['impact', 'src/ops.ts']);
    expect(walked.stdout).toContain(
      'src/ops.ts: a table; a line more makes FALSIFY-CU-001 stale, a line changed or removed 1 of 3 claims',
    );
    tableOf.close();
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const { stdout } = await project.pv(['impact', `${root}src/engine/cpu/kernels/matmul-by-type.ts`, '--root', root]);
    expect(stdout).toMatch(
      /matmul-by-type.ts: a table; a line more makes nothing stale, a line changed or removed \d+ of/,
    );
  });

  it('counts apart the claims that only wait: their contract depends on one that goes stale', async () => {
    const dependent = new ToyProject(project);
    dependent.edit('contracts/cube-v1.yaml', 'metadata:', 'metadata:\n  depends_on: [square-v1]');
    const { stdout } = await dependent.pv(['impact', 'src/square.ts']);
    expect(stdout).toMatch(/a change makes [12] of 3 claims stale\n1 more waits until they are fresh: FALSIFY-CU-001/);
    const { stdout: json } = await dependent.pv(['impact', 'src/square.ts', '--json']);
    expect(JSON.parse(json)).toMatchObject({ waiting: [{ id: 'FALSIFY-CU-001', contract: 'cube-v1' }] });
    dependent.close();
  });

  it('takes several files, folders and contracts', async () => {
    const { stdout } = await project.pv(['impact', 'src', 'contracts/cube-v1.yaml']);
    expect(stdout).toContain('src: a change makes 3 of 3 claims stale');
    expect(stdout).toContain('contracts/cube-v1.yaml: a change makes 1 of 3 claims stale');
    expect(stdout).toContain('together: 3 of 3 claims');
  });

  it('says so where no claim hangs on a file', async () => {
    project.write('notes.md', 'nothing');
    const { stdout, exitCode } = await project.pv(['impact', 'notes.md']);
    expect([exitCode, stdout]).toEqual([0, 'notes.md: no claim hangs on it']);
  });

  it('lists every source file, largest first, and names the middle one', async () => {
    const { stdout } = await project.pv(['impact', '--table']);
    const rows = [...stdout.matchAll(/^ *(\d+)  (\S+)$/gm)].map(([, count, file]) => [Number(count), file]);
    expect(rows).toEqual([
      [2, 'falsifiers/square-v1.ts'],
      [2, 'src/multiply.ts'],
      [2, 'src/square.ts'],
      [1, 'falsifiers/cube-v1.ts'],
      [1, 'src/cube.ts'],
    ]);
    expect(stdout).toContain('5 files; the middle one is src/square.ts: 2 of 3 claims');
    const { stdout: json } = await project.pv(['impact', '--table', '--json']);
    expect(JSON.parse(json)).toMatchObject({
      schemaVersion: 1,
      claims: 3,
      middle: { file: 'src/square.ts', claims: 2 },
    });
  });

  it.each([
    [['impact'], 3, 'E_USAGE'],
    [['impact', '--table', 'src/cube.ts'], 3, 'E_USAGE'],
    [['impact', 'src/gone.ts'], 3, 'E_NO_SUCH_FILE'],
  ] as const)('%j exits with %i', async (argv, code, error) => {
    const { exitCode, stderr } = await project.pv([...argv]);
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(error)]);
  });
});
