// Runs cases on devices of this process's adapter and answers how many things were wrong: words that differ, errors of another kind,
// buffers that stayed. A program of its own; device-process.ts starts it.
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { openModel } from '../../src/engine/model/open-model.ts';
import type { Model } from '../../src/engine/model/model.ts';
import { RefuteError } from '../../src/errors.ts';
import { GpuDevice, type DeviceOptions } from '../../src/gpu/device.ts';
import { anyAdapter } from '../../src/gpu/node/adapters.ts';
import { COPY_DST, MAP_READ } from '../../src/gpu/usage.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import type { Case, State, Unseen } from './cases.ts';

type Words = Uint32Array<ArrayBuffer>;

process.on('message', (asked: Case) => {
  void answer(asked).then(
    (wrong) => process.send?.({ wrong }),
    (error: Error) => process.send?.({ error: error.stack ?? error.message }),
  );
});

const kept = new Map<string, Promise<GpuDevice>>();

/** Kept, so that kernels are compiled once. */
function device(options: DeviceOptions = {}): Promise<GpuDevice> {
  const key = JSON.stringify(options);
  const opened = kept.get(key) ?? freshDevice(options);
  kept.set(key, opened);
  return opened;
}

async function freshDevice(options: DeviceOptions = {}): Promise<GpuDevice> {
  const adapter = await anyAdapter();
  if (adapter === null) throw new Error('there is no adapter');
  return GpuDevice.open(adapter, options);
}

async function answer(asked: Case): Promise<number> {
  const model = await openModel(asked.model);
  try {
    switch (asked.what) {
      case 'parts':
        return await parts(model, asked);
      case 'lanes': {
        const gpu = await device();
        const plain = await device({ subgroups: false, laneCount: gpu.lanes.count });
        return difference(await wordsOf(gpu, model, asked.tokens), await wordsOf(plain, model, asked.tokens));
      }
      case 'lost':
        return await lost(model, asked.state);
      case 'memory':
        return await memory(model, asked.buffer);
      case 'checked': {
        const gpu = await device({ subgroups: false });
        const checked = await wordsOf(gpu, model, asked.tokens, true);
        return difference(checked, await wordsOf(gpu, model, asked.tokens));
      }
      case 'unseen':
        return (await sees(model, asked.change)) ? 0 : 1;
    }
  } finally {
    await model.close();
  }
}

/** Every value of the program, and the logits. */
async function wordsOf(gpu: GpuDevice, { program, weights }: Model, tokens: readonly number[], isChecked = false) {
  const executor = await openWebgpuExecutor(gpu, program, weights, { chunkPositions: 8, isChecked });
  const words: Words[] = [];
  const keep = (data: Float32Array): void => void words.push(new Uint32Array(Float32Array.from(data).buffer));
  const tap = {
    values: new Set(program.values.map(({ id }) => id)),
    onValue: (_: string, data: Float32Array) => keep(data),
  };
  try {
    const session = await executor.openSession(tokens.length);
    keep((await session.run({ tokens, logits: 'all', tap })).logits);
  } finally {
    await executor.close();
  }
  return words;
}

function difference(found: readonly Words[], expected: readonly Words[]): number {
  if (found.length !== expected.length || expected.length === 0) return Number.NaN;
  return expected.reduce((sum, words, i) => {
    const ours = found[i] ?? new Uint32Array(0);
    if (ours.length !== words.length) return Number.NaN;
    return sum + words.reduce((count, word, at) => count + (word === ours[at] ? 0 : 1), 0);
  }, 0);
}

/** Matrices whole, and in parts. Op by op: what is fused no longer is where it does not fit, and rounds elsewhere. */
async function parts(model: Model, { bindingBytes, tokens }: Extract<Case, { what: 'parts' }>): Promise<number> {
  const gpu = await device();
  const whole = await wordsOf(gpu, model, tokens);
  const before = gpu.bindingBytes;
  gpu.bindingBytes = Math.max(bindingBytes, leastBinding(model));
  try {
    return difference(await wordsOf(gpu, model, tokens), whole);
  } finally {
    gpu.bindingBytes = before;
  }
}

/** Four rows of each matrix, all vectors, a chunk of each value. */
function leastBinding({ program, weights }: Model): number {
  const rows = program.weights.map(({ name, shape }) => {
    const { blockBytes, blockElements } = TENSOR_TYPES[weights.info(name)?.type as TensorTypeName];
    return 4 * Math.ceil((32 * Math.ceil((shape.at(-1) ?? 1) / 32)) / blockElements) * blockBytes;
  });
  const vectors = program.weights
    .filter(({ shape }) => shape.length === 1)
    .reduce((sum, { shape }) => sum + 4 * ((shape[0] ?? 0) + 3), 0);
  // Query, key and value share a buffer.
  const values = program.values.map(({ channelCount }) => 4 * 8 * (channelCount + 3));
  const heads = program.ops.map((op) => (op.op === 'attention' ? 4 * 8 * 3 * (op.headCount * op.headDim + 3) : 0));
  return Math.max(...rows, vectors, ...values, ...heads);
}

const PATIENCE_MS = 20_000;

async function lost(model: Model, state: State): Promise<number> {
  const gpu = await freshDevice();
  const live = countBuffers(gpu);
  const { program, weights } = model;
  const lose = (): void => gpu.device.destroy();
  const work = async (): Promise<unknown> => {
    if (state === 'compiling') return losing(gpu.kernel('silu'), lose);
    if (state === 'silent')
      return losing(
        gpu.guarded('nothing', 'E_GPU_RUN', () => new Promise(() => undefined)),
        lose,
      );
    if (state === 'mapping') {
      const staging = await gpu.buffer('staging', 1024, MAP_READ | COPY_DST);
      return losing(gpu.bytesOf(staging), lose).finally(() => staging.destroy());
    }
    const read: typeof weights.read = async (...args) => {
      if (state === 'loading') lose();
      return weights.read(...args);
    };
    const executor = await openWebgpuExecutor(gpu, program, { info: (name) => weights.info(name), read });
    try {
      const session = await executor.openSession(4);
      await session.run({ tokens: [1], logits: 'last' });
      if (state === 'idle') lose();
      const run = session.run({ tokens: [1, 2], logits: 'last' });
      return await (state === 'running' ? losing(run, lose) : run);
    } finally {
      await executor.close();
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, 'late')));
  const code = await Promise.race([work().then(() => 'done', codeOf), late]);
  clearTimeout(timer);
  return (code === 'E_GPU_LOST' ? 0 : 1) + live.size;
}

async function losing(work: Promise<unknown>, lose: () => void): Promise<unknown> {
  lose();
  return work;
}

function codeOf(error: unknown): string {
  return error instanceof RefuteError ? error.code : 'untyped';
}

/** Creation number `buffer` of an executor and a session fails, as on a device that has no memory left. */
async function memory({ program, weights }: Model, buffer: number): Promise<number> {
  const gpu = await device();
  const create = gpu.device.createBuffer.bind(gpu.device);
  let refused = '';
  const live = countBuffers(gpu, (label, number) => {
    if (number !== buffer) return false;
    refused = label;
    return true;
  });
  try {
    const executor = await openWebgpuExecutor(gpu, program, weights);
    try {
      await executor.openSession(4);
      return refused === '' ? 0 : 1;
    } finally {
      await executor.close();
    }
  } catch (error) {
    const isNamed =
      error instanceof RefuteError && /^E_GPU_(MEMORY|BUFFER|BIND)$/.test(error.code) && isOf(error, refused);
    return (isNamed ? 0 : 1) + live.size;
  } finally {
    gpu.device.createBuffer = create;
  }
}

/** Parameters are made as a kernel is bound, and are named by it. */
function isOf({ place }: RefuteError, label: string): boolean {
  return place === label || label === 'parameters';
}

/** Those that are there, from here on. What is refused is asked for so large that no device has it. */
function countBuffers(
  gpu: GpuDevice,
  refuses: (label: string, number: number) => boolean = () => false,
): Set<GPUBuffer> {
  const live = new Set<GPUBuffer>();
  const create = gpu.device.createBuffer.bind(gpu.device);
  let number = 0;
  gpu.device.createBuffer = (descriptor) => {
    const size = refuses(descriptor.label ?? '', number++) ? 2 ** 40 : descriptor.size;
    const buffer = create({ ...descriptor, size });
    live.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      live.delete(buffer);
      return destroy();
    };
    return buffer;
  };
  return live;
}

const CHANGES: Readonly<Record<Unseen, readonly [label: RegExp, what: string, by: string]>> = {
  store: [/^product/, 'params.out_stride + group] = sum', 'params.out_stride + group + 1u] = sum'],
  barrier: [/^rmsnorm/, 'partials[thread] = value;\n  workgroupBarrier();', 'partials[thread] = value;'],
  rows: [/^product/, 'if (group == mine && thread', 'if (group == mine && group != 3u && thread'],
};

/** Whether a checked run does on a device that compiles another text. */
async function sees(model: Model, change: Unseen): Promise<boolean> {
  const gpu = await freshDevice({ subgroups: false });
  const [label, what, by] = CHANGES[change];
  const compile = gpu.device.createShaderModule.bind(gpu.device);
  let count = 0;
  gpu.device.createShaderModule = (descriptor) => {
    if (!label.test(descriptor.label ?? '') || !descriptor.code.includes(what)) return compile(descriptor);
    count++;
    return compile({ ...descriptor, code: descriptor.code.replace(what, by) });
  };
  try {
    const words = await wordsOf(gpu, model, [1], true);
    const isNumber = (word: number): boolean => (word & 0x7f80_0000) !== 0x7f80_0000;
    return count > 0 && change !== 'store' && !words.every((value) => value.every(isNumber));
  } catch (error) {
    return count > 0 && change === 'store' && codeOf(error) === 'E_GPU_GUARD';
  } finally {
    gpu.close();
  }
}
