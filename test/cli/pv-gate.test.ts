// What `pv gate`, `validate`, `why` and `evidence verify` say about a toy project whose evidence or contracts were
// tampered with. Each test first sees the healthy project accepted.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { receiptName, ToyProject } from '../runner/toys/toy-project.ts';

const SQUARE = receiptName('square', 'FALSIFY-SQ-001');
const CONTRACT = 'contracts/square-v1.yaml';
/** In the toy contract as it is shipped, SQ-002 is a claim that is false. */
const FALSE_CLAIM = /  - id: FALSIFY-SQ-002[\s\S]*$/;

interface GateJson {
  exitCode: number;
  unmet: { claim: string; why: string }[];
  overclaims: { claim: string; code: string }[];
  loosenings: { claim: string; code: string; isDeclared: boolean }[];
  refused: { path: string; message: string }[];
  orphans: string[];
}

describe('the evidence of a project', () => {
  let healthy: ToyProject;
  let project: ToyProject;
  beforeAll(async () => {
    healthy = new ToyProject();
    healthy.write(CONTRACT, healthy.read(CONTRACT).replace(FALSE_CLAIM, ''));
    healthy.edit('contracts/cube-v1.yaml', 'faults:', 'required_level: FUNCTIONAL\n    faults:');
    await healthy.pv(['falsify', '--all']);
    await healthy.commitAll();
  });
  beforeEach(() => {
    project = new ToyProject(healthy);
  });
  afterEach(() => project.close());
  afterAll(() => healthy.close());

  async function gate(...argv: string[]): Promise<GateJson> {
    const { stdout, exitCode } = await project.pv(['gate', '--json', ...argv]);
    const report = JSON.parse(stdout) as GateJson;
    expect(report.exitCode).toBe(exitCode);
    return report;
  }

  it('is accepted by gate, validate and verify as pv wrote it', async () => {
    expect((await gate()).exitCode).toBe(0);
    expect((await project.pv(['validate', '--format', 'plain'])).exitCode).toBe(0);
    const { exitCode, stdout } = await project.pv(['evidence', 'verify']);
    expect([exitCode, stdout]).toEqual([0, '2 receipts: as pv wrote them']);
  });

  it('goes stale with a file of its closure, and no other evidence does; why names the file, gate exits 1', async () => {
    project.edit('src/multiply.ts', 'return', '// a remark\n  return');
    const status = JSON.parse((await project.pv(['status', '--json'])).stdout) as {
      claims: { claim: string; freshness: string; level: string; word: string }[];
    };
    expect(status.claims.map(({ claim, freshness, level, word }) => [claim, freshness, level, word])).toEqual([
      ['FALSIFY-CU-001', 'fresh', 'FUNCTIONAL', 'FUNCTIONAL'],
      ['FALSIFY-SQ-001', 'stale', 'NONE', 'DISCHARGED'],
    ]);
    const why = await project.pv(['why', 'FALSIFY-SQ-001']);
    expect(why.stdout).toContain('src/multiply.ts');
    expect(why.stdout).not.toContain('src/square.ts');
    const report = await gate();
    expect(report.unmet.map(({ claim }) => claim)).toEqual(['FALSIFY-SQ-001']);
    expect(report.unmet[0]?.why).toMatch(/stale: file:src\/multiply\.ts [0-9a-f]{8} -> [0-9a-f]{8}$/);
    expect(report.exitCode).toBe(1);
  });

  it.each([
    ['a count', '"executed": 50', '"executed": 51'],
    ['a verdict', '"verdict": "survived"', '"verdict": "Survived"'],
    ['a time', '"startedAt": "2023', '"startedAt": "2022'],
    ['a space', '"executed": 50', '"executed":  50'],
    ['the line break at the end', /\n$/, ''],
    ['a digest of itself', /"file": "sha256:./, '"file": "sha256:g'],
  ] as const)('is refused by verify and gate when %s of a receipt was edited', async (_, find, replace) => {
    const before = project.read(SQUARE);
    const edited = before.replace(find, replace);
    expect(edited).not.toBe(before);
    project.write(SQUARE, edited);
    const verify = await project.pv(['evidence', 'verify']);
    expect([verify.exitCode, verify.stdout]).toEqual([1, expect.stringContaining(SQUARE)]);
    const report = await gate();
    expect([report.exitCode, report.refused.map(({ path }) => path)]).toEqual([1, [SQUARE]]);
  });

  it('is refused in another place than its own, and beside a claim that no contract makes', async () => {
    const moved = SQUARE.replace('FALSIFY-SQ-001', 'FALSIFY-SQ-009');
    project.write(moved, project.read(SQUARE));
    expect((await gate()).refused.map(({ path }) => path)).toEqual([moved]);
    project.remove(moved);
    project.remove('contracts/cube-v1.yaml');
    const report = await gate();
    expect([report.exitCode, report.orphans]).toEqual([1, [receiptName('cube', 'FALSIFY-CU-001')]]);
  });

  it.each(['DISCHARGED', '"DISCHARGED"', 'FULL_DISCHARGED'])('does not carry a hand-typed %s', async (word) => {
    project.edit('contracts/cube-v1.yaml', 'status: FUNCTIONAL', `status: ${word}`);
    const validate = await project.pv(['validate', '--format', 'plain']);
    expect(validate.exitCode).toBe(1);
    expect(validate.stdout).toContain('LVL-001: FALSIFY-CU-001 claims DISCHARGED, evidence supports FUNCTIONAL');
    const report = await gate();
    expect(report.exitCode).toBe(1);
    expect(report.overclaims).toMatchObject([{ claim: 'FALSIFY-CU-001', code: 'level-above-evidence' }]);
  });

  it('does not carry a digest that the contract names and that no receipt has', async () => {
    project.write(CONTRACT, project.read(CONTRACT).replace(/sha256:[0-9a-f]{8}/, 'sha256:00000000'));
    const report = await gate();
    expect([report.exitCode, report.overclaims.map(({ code }) => code)]).toEqual([1, ['evidence-changed']]);
    project.remove(SQUARE);
    const codes = (await gate()).overclaims.map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(['evidence-missing', 'level-above-evidence']));
  });

  describe('against the base', () => {
    async function loosenings(): Promise<[number, string[]]> {
      const { exitCode, loosenings: found } = await gate('--base', 'HEAD');
      return [exitCode, found.map(({ code, isDeclared }) => (isDeclared ? `${code} (declared)` : code))];
    }

    it('is accepted unchanged, and with a stricter bar', async () => {
      expect(await loosenings()).toEqual([0, []]);
      project.edit('contracts/cube-v1.yaml', 'difference, comparator: "=="', 'difference, comparator: "<="');
      expect((await loosenings())[1]).toEqual(['bar-loosened']);
      project.edit('contracts/cube-v1.yaml', 'comparator: "<="', 'comparator: "=="');
      project.edit(CONTRACT, 'threshold: 0', 'threshold: -1');
      expect((await loosenings())[1]).toEqual([]);
    });

    it('may not loosen a bar', async () => {
      project.edit(CONTRACT, 'threshold: 0', 'threshold: 1e-9');
      expect(await loosenings()).toEqual([1, ['bar-loosened']]);
      const { stdout } = await project.pv(['gate', '--base', 'HEAD']);
      expect(stdout).toContain('the bar was loosened: difference <= 0 integers -> difference <= 1e-9 integers');
    });

    it('may not lose a claim, unless the contract retires it', async () => {
      const text = project.read('contracts/cube-v1.yaml');
      const emptied = text.replace(/falsification_tests:[\s\S]*$/, 'falsification_tests: []\n');
      project.write('contracts/cube-v1.yaml', emptied);
      expect(await loosenings()).toEqual([1, ['claim-removed']]);
      project.write('contracts/cube-v1.yaml', `${emptied}retired:\n  - {id: FALSIFY-CU-001, reason: "cubes went"}\n`);
      project.remove('evidence/cube');
      expect(await loosenings()).toEqual([0, ['claim-retired (declared)']]);
      project.remove('contracts/cube-v1.yaml');
      expect(await loosenings()).toEqual([1, ['claim-removed']]);
    });

    it('may not be emptied by a contract that is no contract any more', async () => {
      project.write('contracts/cube-v1.yaml', '');
      expect(await loosenings()).toEqual([1, ['claim-removed']]);
    });

    it('may not lose a fault, an oracle, a level or a receipt', async () => {
      project.edit(CONTRACT, 'faults: [plus-one, wrong-at-three]', 'faults: [plus-one]');
      expect((await loosenings())[1]).toEqual(['fault-removed']);
      project.edit(CONTRACT, 'required_level: DISCHARGED', 'required_level: FUNCTIONAL');
      project.edit(CONTRACT, 'faults: [', 'outside_oracle: {possible: false, reason: "none"}\n    faults: [');
      project.remove(SQUARE);
      const [exitCode, codes] = await loosenings();
      expect(exitCode).toBe(1);
      expect(codes).toEqual(['fault-removed', 'level-lowered', 'oracle-waived', 'receipt-removed']);
    });

    it('calls out a declared loosening, and rejects it no more', async () => {
      project.edit('contracts/cube-v1.yaml', 'required_level: FUNCTIONAL', 'required_level: PARTIAL_ALGORITHM_LEVEL');
      expect(await loosenings()).toEqual([1, ['level-lowered']]);
      project.write(
        'contracts/cube-v1.yaml',
        project.read('contracts/cube-v1.yaml').replace(/version: "2\.\d+\.\d+"/, 'version: "3.0.0"'),
      );
      expect(await loosenings()).toEqual([0, ['level-lowered (declared)']]);
    });

    it('may not lose a refutation', async () => {
      project.edit('src/cube.ts', 'x * x * x', 'x * x * x + (x === 2 ? 1 : 0)');
      await project.pv(['falsify', '--all']);
      await project.commitAll();
      const receipt = receiptName('cube', 'FALSIFY-CU-001');
      expect((await gate('--base', 'HEAD')).exitCode).toBe(1);
      project.remove(receipt);
      expect(await loosenings()).toEqual([1, ['refutation-vanished']]);
      const verify = await project.pv(['evidence', 'verify', '--base', 'HEAD']);
      expect([verify.exitCode, verify.stdout]).toEqual([1, expect.stringContaining('a refutation vanished')]);
      // Repaired, the refutation is history: the product is another.
      project.edit('src/cube.ts', ' + (x === 2 ? 1 : 0)', '');
      await project.pv(['falsify', '--all']);
      expect(await loosenings()).toEqual([0, []]);
    });

    it.each([['no-such-ref'], ['--help'], ['HEAD:contracts']])('refuses the base %s', async (ref) => {
      const { exitCode, stderr } = await project.pv(['gate', `--base=${ref}`]);
      expect([exitCode, stderr]).toEqual([3, expect.stringContaining('E_BASE')]);
    });
  });
});
