// A claim that names WebGPU: run on the adapter in software, a receipt of a class of its own that hangs on the shaders that
// were read, and faults planted in shader text. A machine without the adapter fails here.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReceipt, type StablePart } from '../../src/runner/evidence/receipt.ts';
import { receiptName, ToyProject } from '../runner/toys/toy-project.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODEL = `${ROOT}models/tiny/llama/model.gguf`;
const SHADERS = `${ROOT}src/gpu/wgsl`;

/** Logits of WebGPU against those of another executor of the same part; the fault is planted in the first alone. */
const FALSIFIER = `
const part = { planned: 2, async run(context) {
  const model = await context.openModel(${JSON.stringify(MODEL)});
  for (let i = 0; i < 2; i++) {
    const executor = await context.openExecutor(model);
    const session = await executor.openSession(9);
    const { logits } = await session.run({ tokens: [1, 2, 3, 4, 5, 6, 7, 8, 9], logits: 'last' });
    context.measure(Math.abs(logits[0] - EXPECTED), executor.adapter ?? executor.id);
    await executor.close();
  }
} };
const fault = (id, size, file, find, replace) =>
  ({ id, title: id, size, inject: { kind: 'source', file, find, replace } });
export const falsifiers = { 'FALSIFY-GPU-001': { parts: { generated: part }, faults: [
  fault('kernel', 'gross', '${SHADERS}/rope.wgsl', 'return x[i] * cosine - ', 'return x[i] * cosine + '),
  fault('included', 'small', '${SHADERS}/lib/element.wgsl', 'i < place.row_count', 'i + 1u < place.row_count'),
] } };
`;

const CONTRACT = `
metadata: { version: "1.0.0", description: "A run.", references: ["none"] }
falsification_tests:
  - id: FALSIFY-GPU-001
    rule: "logits are those of the CPU"
    prediction: "the first logit is the CPU's"
    if_fails: "the executor is wrong"
    executors: [cpu, webgpu]
    bar: { metric: difference, comparator: "<=", threshold: 0.001, unit: logits, basis: "float32 on small numbers" }
`;

describe('a claim on webgpu', () => {
  let project: ToyProject;
  let exitCode: number;
  let stdout: string;
  const stable = (name: string): StablePart => parseReceipt(project.read(name), name).predicate.stable;
  const WEBGPU = 'evidence/gpu/FALSIFY-GPU-001/webgpu.swiftshader.json';

  beforeAll(async () => {
    project = new ToyProject();
    const { openModel } = await import('../../src/engine/model/open-model.ts');
    const { openCpuExecutor } = await import('../../src/engine/cpu/cpu-executor.ts');
    const model = await openModel(MODEL);
    const executor = await openCpuExecutor(model.program, model.weights);
    const { logits } = await (
      await executor.openSession(9)
    ).run({ tokens: [1, 2, 3, 4, 5, 6, 7, 8, 9], logits: 'last' });
    await executor.close();
    await model.close();
    project.write('falsifiers/gpu-v1.ts', FALSIFIER.replace('EXPECTED', String(logits[0])));
    project.write('contracts/gpu-v1.yaml', CONTRACT);
    ({ exitCode, stdout } = await project.pv(['falsify', 'FALSIFY-GPU-001', '--engine', 'webgpu']));
  }, 300_000);
  afterAll(() => project.close());

  it('is run on the adapter in software, and turns red on faults in a kernel and in what it includes', () => {
    expect(stdout).toContain('FALSIFY-GPU-001 survived on webgpu  generated 2/2');
    expect(stdout).toContain('faults 2/2 red');
    expect(exitCode).toBe(0);
    expect(stable(WEBGPU).environment).toMatchObject({ class: 'webgpu.swiftshader', executor: 'webgpu' });
  });

  it('hangs on the shaders that were read, and on no other', () => {
    const { touched, pins } = stable(WEBGPU);
    const shaders = Object.keys(pins).filter((pin) => pin.endsWith('.wgsl'));
    expect(shaders).toContain('file:@refute/src/gpu/wgsl/rope.wgsl');
    expect(shaders.filter((pin) => /moe|softcap|q4_k/.test(pin))).toEqual([]);
    expect(touched.shaders?.length).toBe(shaders.length);
    expect(Object.keys(pins)).toContain('file:@refute/src/gpu/device.ts');
  });

  it('leaves the receipt of the CPU free of the GPU, and not stale when it is added', async () => {
    await project.pv(['falsify', 'FALSIFY-GPU-001', '--engine', 'cpu']);
    const { pins } = stable(receiptName('gpu', 'FALSIFY-GPU-001'));
    expect(Object.keys(pins).filter((pin) => pin.includes('/gpu/'))).toEqual([]);
    const status = await project.pv(['falsify', 'FALSIFY-GPU-001', '--stale']);
    expect(status.stdout).toContain('0 of 1 claims are stale');
  });
});
