// Claims that name executors: run once on each, with a receipt for each that is there. A claim that opens a model hangs on
// what it opened; one about two numbers hangs on nothing of the engine.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReceipt } from '../../src/runner/evidence/receipt.ts';
import { receiptName, ToyProject } from '../runner/toys/toy-project.ts';

const MODEL = fileURLToPath(new URL('../../models/tiny/llama/model.gguf', import.meta.url));

const FALSIFIER = `
const part = { planned: 1, async run(context) {
  const model = await context.openModel(${JSON.stringify(MODEL)});
  const executor = await context.openExecutor(model, { chunkPositions: 2 });
  const session = await executor.openSession(4);
  const { logits } = await session.run({ tokens: [1, 2, 3], logits: 'last' });
  context.measure(logits.length - executor.program.vocabSize, executor.id);
  await executor.close();
} };
export const falsifiers = { 'FALSIFY-RUN-001': { parts: { generated: part }, faults: [] } };
`;

const CONTRACT = `
metadata: { version: "1.0.0", description: "A run.", references: ["none"] }
falsification_tests:
  - id: FALSIFY-RUN-001
    rule: "logits are whole"
    prediction: "there are as many logits as tokens"
    if_fails: "the executor is wrong"
    executors: [cpu, webgpu]
    bar: { metric: difference, comparator: "<=", threshold: 0, unit: logits, basis: "a count is exact" }
`;

interface FalsifyJson {
  counts: { claims: number; survived: number; 'not-run': number };
  claims: {
    executor: string;
    verdict: string;
    receipt: string | null;
    parts: { reason: { code: string; text: string } }[];
  }[];
}

describe('a claim that names two executors', () => {
  let project: ToyProject;
  let result: FalsifyJson;
  let exitCode: number;
  beforeAll(async () => {
    project = new ToyProject();
    project.write('falsifiers/run-v1.ts', FALSIFIER);
    project.write('contracts/run-v1.yaml', CONTRACT);
    const ran = await project.pv([
      'falsify',
      'FALSIFY-RUN-001',
      'FALSIFY-CU-001',
      '--adapter',
      'no such adapter',
      '--json',
    ]);
    result = JSON.parse(ran.stdout) as FalsifyJson;
    exitCode = ran.exitCode;
  });
  afterAll(() => project.close());

  it('is run on each, and an absent one is not run, with the reason', () => {
    const [, cpu, webgpu] = result.claims;
    expect(result.counts).toMatchObject({ claims: 2, survived: 2, 'not-run': 1 });
    expect(cpu).toMatchObject({ executor: 'cpu', verdict: 'survived', receipt: receiptName('run', 'FALSIFY-RUN-001') });
    expect(webgpu).toMatchObject({ executor: 'webgpu', verdict: 'not-run', receipt: null });
    expect(webgpu?.parts[0]?.reason).toMatchObject({
      code: 'executor-absent',
      text: expect.stringMatching(/no webgpu executor here: \S/),
    });
    expect(exitCode).toBe(2);
  });

  it('is stale only where it has no receipt', async () => {
    const argv = ['falsify', 'FALSIFY-RUN-001', '--adapter', 'no such adapter', '--stale', '--json'];
    const { stdout } = await project.pv(argv);
    expect(JSON.parse(stdout)).toMatchObject({ claims: [{ executor: 'webgpu', verdict: 'not-run' }] });
  });

  it('hangs on the model reader and on the executor that it opened, and on no other', () => {
    const name = receiptName('run', 'FALSIFY-RUN-001');
    const { touched, pins } = parseReceipt(project.read(name), name).predicate.stable;
    expect(touched.product).toEqual(['executor:cpu', 'model']);
    const files = Object.keys(pins);
    expect(files).toEqual(
      expect.arrayContaining([
        'file:@refute/src/executors.ts',
        'file:@refute/src/engine/cpu/cpu-executor.ts',
        'file:@refute/src/engine/cpu/kernels/rmsnorm.as.ts',
        'file:@refute/src/engine/model/open-model.ts',
      ]),
    );
    expect(files.filter((file) => /float64|src\/runner|src\/cli/.test(file))).toEqual([]);
  });

  it('leaves a claim about two numbers free of the engine', () => {
    const name = receiptName('cube', 'FALSIFY-CU-001');
    const { touched, pins } = parseReceipt(project.read(name), name).predicate.stable;
    expect(touched).not.toHaveProperty('product');
    expect(Object.keys(pins).filter((pin) => pin.startsWith('file:'))).toEqual([
      'file:falsifiers/cube-v1.ts',
      'file:src/cube.ts',
    ]);
  });
});
