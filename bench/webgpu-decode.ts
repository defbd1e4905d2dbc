// Speed of the WebGPU executor on models of real shapes with random weights: tokens per second in decode and prefill, dispatches, and
// the bytes of weights that a token reads beside what a copy on the same device moves, in one run.
//   node bench/webgpu-decode.ts [smollm2|1.5b] [--software]
// Takes the adapter that Dawn prefers; --software the one in the dev dependencies, on which the large shape takes minutes.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { byteLengthOf } from '../src/engine/formats/tensor-types.ts';
import { GpuDevice } from '../src/gpu/device.ts';
import { anyAdapter } from '../src/gpu/node/adapters.ts';
import { softwareAdapter } from '../src/gpu/node/software-adapter.ts';
import { COPY_DST, COPY_SRC, STORAGE } from '../src/gpu/usage.ts';
import { openWebgpuExecutor } from '../src/gpu/webgpu-executor.ts';
import { syntheticProgram, syntheticWeights } from '../test/cases/synthetic-model.ts';
import { shapeNamed } from './shapes.ts';

const TOKENS = 16;
const PROMPT = 128;
const COPY_BYTES = 2 ** 28;
const COPIES = 8;

const { positionals, values } = parseArgs({ allowPositionals: true, options: { software: { type: 'boolean' } } });
const { config, typeOf } = shapeNamed(positionals[0] ?? 'smollm2');
if (values.software === true && process.env['VK_ICD_FILENAMES'] === undefined) {
  // A driver is found at the start of a process.
  const software = await softwareAdapter();
  if ('absent' in software) throw new Error(software.absent);
  const env = { ...process.env, ...software.env };
  execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { env, stdio: 'inherit' });
  process.exit(0);
}
const adapter = await anyAdapter();
if (adapter === null) {
  console.error('nothing measured: there is no WebGPU adapter; --software takes the one in the dev dependencies');
  process.exit(2);
}
const gpu = await GpuDevice.open(adapter);
const program = syntheticProgram(config);
const executor = await openWebgpuExecutor(gpu, program, syntheticWeights(program, typeOf, 1));
const session = await executor.openSession(PROMPT + 2 * TOKENS);

const tokens = Array.from({ length: PROMPT }, (_, i) => 100 + i);
await session.run({ tokens, logits: 'none' });
session.truncate(0);
const prefill = await secondsOf(() => session.run({ tokens, logits: 'last' }));
const each: number[] = [];
for (let i = 0; i < TOKENS; i++) each.push(await secondsOf(() => session.runGreedy?.({ tokens: [100 + i] })));
const decode = each.toSorted((a, b) => a - b)[Math.floor(TOKENS / 2)] ?? 0;
const copied = await copyBytesPerSecond();

const bytes = program.ops.reduce((sum, op) => {
  const shape = op.op === 'matmul' ? program.weights.find(({ name }) => name === op.weight)?.shape : undefined;
  return shape === undefined || op.op !== 'matmul'
    ? sum
    : sum + byteLengthOf(typeOf(op.weight), (shape[0] ?? 0) * (shape[1] ?? 0));
}, 0);
const { dispatches = 0, mostPerLayer = 0 } = session.usage ?? {};
console.log(`${gpu.name}: ${gpu.lanes.count} lanes, subgroups ${gpu.lanes.hasSubgroups ? 'used' : 'not used'}`);
console.log(`prefill of ${PROMPT}: ${(PROMPT / prefill).toFixed(1)} tokens/s`);
console.log(
  `decode (median of ${TOKENS} at ${PROMPT}): ${(1 / decode).toFixed(2)} tokens/s, ${dispatches} dispatches a token, at most ${mostPerLayer} a layer, one submit`,
);
console.log(
  `weights read: ${(bytes / 1e6).toFixed(0)} MB a token, ${(bytes / decode / 1e9).toFixed(2)} GB/s; a copy reads and writes ${(copied / 1e9).toFixed(2)} GB/s: ratio ${(bytes / decode / copied).toFixed(3)}`,
);
await executor.close();
process.exit(0);

async function secondsOf(work: () => Promise<unknown> | undefined): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Of a buffer to another on the device: what is read and what is written. */
async function copyBytesPerSecond(): Promise<number> {
  const size = Math.min(COPY_BYTES, gpu.device.limits.maxBufferSize);
  const from = await gpu.buffer('from', size, STORAGE | COPY_SRC);
  const to = await gpu.buffer('to', size, STORAGE | COPY_DST);
  const copy = async (): Promise<void> => {
    const encoder = gpu.device.createCommandEncoder();
    for (let i = 0; i < COPIES; i++) encoder.copyBufferToBuffer(from, 0, to, 0, size);
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.device.queue.onSubmittedWorkDone();
  };
  await copy();
  return (2 * size * COPIES) / (await secondsOf(copy));
}
