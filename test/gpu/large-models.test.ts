// Arithmetic of sizes that no test can hold in memory: a model of 70 billion weights and one that is wider still, bound to a device
// that computes nothing. What a kernel is told is refused where it is no whole number below 2^32 (kernel-text.ts), a grid where a
// direction has more than 65,535 workgroups (dispatch.ts).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { WeightName } from '../../src/engine/program/program.ts';
import { SessionGuard } from '../../src/engine/program/session-guard.ts';
import { quadsOf } from '../../src/gpu/buffer-plan.ts';
import type { GpuDevice } from '../../src/gpu/device.ts';
import { folded, MAX_GROUPS, perRow, THREADS } from '../../src/gpu/dispatch.ts';
import { fuse } from '../../src/gpu/fuse.ts';
import { kernelText } from '../../src/gpu/kernel-text.ts';
import type { GpuProgram } from '../../src/gpu/load-program.ts';
import { OwnedBuffers } from '../../src/gpu/owned-buffers.ts';
import { planeBytes, planeLayout, planeStarts } from '../../src/gpu/planes.ts';
import { shaderText, type ShaderName } from '../../src/gpu/shaders.ts';
import { WebgpuSession } from '../../src/gpu/webgpu-session.ts';
import { canStack, partsOf, type GpuWeight } from '../../src/gpu/weights.ts';
import { SMALL_CONFIG, syntheticProgram, type SyntheticConfig } from '../cases/synthetic-model.ts';

const TYPES = Object.keys(TENSOR_TYPES) as TensorTypeName[];
const BINDING = 2 ** 32 - 4;

describe('planes of a part that fills a binding', () => {
  it('begin at whole words below 2^32, and so does all that a decoder counts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), fc.integer({ min: 1, max: 2 ** 18 }), fc.nat(), (type, blocks, seed) => {
        const layout = planeLayout(type, blocks * TENSOR_TYPES[type].blockElements);
        const most = 4 * Math.floor(BINDING / planeBytes(layout, 4));
        fc.pre(most > 0);
        const rows = 4 * (1 + (seed % (most / 4)));
        const ends = [...planeStarts(layout, rows), planeBytes(layout, rows)];
        expect(ends.every((byte) => Number.isSafeInteger(byte) && byte % 4 === 0 && byte <= BINDING)).toBe(true);
        expect(ends).toEqual(ends.toSorted((a, b) => a - b));
        // row · units + unit, the largest number that decoders work with before they look something up.
        expect(rows * layout.units).toBeLessThan(2 ** 32);
      }),
      { numRuns: 1000 },
    );
  });

  it('follow one another without gaps', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), fc.integer({ min: 1, max: 2 ** 12 }), (type, fours) => {
        const layout = planeLayout(type, 256);
        const sizes = layout.fields.map(([, byteLength]) => 4 * fours * layout.blocksPerRow * byteLength);
        expect([...planeStarts(layout, 4 * fours), planeBytes(layout, 4 * fours)]).toEqual([
          0,
          ...sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0)),
        ]);
      }),
    );
  });
});

describe('workgroups in two directions', () => {
  it('are at least as many as asked for, few more, and no direction has too many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_GROUPS ** 2 }), (count) => {
        const [x, y] = folded(count);
        expect(Math.max(x, y)).toBeLessThanOrEqual(MAX_GROUPS);
        expect(x * y).toBeGreaterThanOrEqual(count);
        expect(x * y - count).toBeLessThan(y);
      }),
      { examples: [[MAX_GROUPS], [MAX_GROUPS + 1], [2 * MAX_GROUPS + 1], [2 ** 31]] },
    );
  });

  it('give every quad of every row a thread', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 2 ** 20 }), (rowCount, count) => {
        const [x, y, z] = perRow(count)({ rowCount, firstPosition: 0 });
        expect(x * y * z * THREADS).toBeGreaterThanOrEqual(rowCount * count);
        expect(Math.max(x, y)).toBeLessThanOrEqual(MAX_GROUPS);
      }),
    );
  });
});

interface Copy {
  from: number;
  to: number;
  byteLength: number;
}

/** Takes everything, computes nothing, and keeps what it was asked. */
class IdleDevice {
  readonly name = 'idle';
  readonly lanes = { count: 4, hasSubgroups: false };
  readonly bindingBytes: number;
  readonly device: object;
  readonly sizes: number[] = [];
  readonly copies: Copy[] = [];
  readonly grids: number[][] = [];

  constructor(bindingBytes: number) {
    this.bindingBytes = bindingBytes;
    const pass = {
      setPipeline: () => undefined,
      setBindGroup: () => undefined,
      dispatchWorkgroups: (...grid: number[]) => void this.grids.push(grid),
      end: () => undefined,
    };
    const copyBufferToBuffer = (_: unknown, from: number, __: unknown, to: number, byteLength: number): void =>
      void this.copies.push({ from, to, byteLength });
    this.device = {
      limits: { maxBufferSize: bindingBytes },
      queue: { writeBuffer: () => undefined, submit: () => undefined },
      createBindGroup: () => ({}),
      createBuffer: ({ size }: { size: number }) => ({ size, destroy: () => undefined }),
      createCommandEncoder: () => ({ beginComputePass: () => pass, copyBufferToBuffer, finish: () => ({}) }),
    };
  }

  async buffer(label: string, size: number): Promise<object> {
    this.sizes.push(size);
    expect(size, label).toBeLessThanOrEqual(this.bindingBytes);
    return { size, label, destroy: () => undefined };
  }

  async bytesOf(_: unknown, byteLength: number): Promise<ArrayBuffer> {
    return new ArrayBuffer(byteLength);
  }

  async guarded<Result>(_: string, __: string, work: () => Result): Promise<Result> {
    return work();
  }

  async kernel(name: ShaderName, types: readonly TensorTypeName[]): Promise<object> {
    return { pipeline: {}, layout: {}, ...kernelText(await shaderText(name, { types, hasSubgroups: false })) };
  }
}

/** One layer of it: the others are the same. */
const WIDE: SyntheticConfig = {
  ...SMALL_CONFIG,
  layerCount: 1,
  modelDim: 8_192,
  ffnDim: 28_672,
  headCount: 64,
  kvHeadCount: 8,
  headDim: 128,
  vocabSize: 128_256,
  contextLength: 131_072,
  slidingWindow: null,
  rope: { ...SMALL_CONFIG.rope, rotaryDim: 128 },
};

async function openIdle(config: SyntheticConfig, type: TensorTypeName, bindingBytes: number) {
  const idle = new IdleDevice(bindingBytes);
  const gpu = idle as unknown as GpuDevice;
  const program = syntheticProgram(config);
  const buffers = new OwnedBuffers(gpu);
  const weights = new Map<WeightName, GpuWeight>();
  const vectors = new Map<WeightName, number>();
  const infoOf = (name: WeightName) => {
    const shape = program.weights.find((weight) => weight.name === name)?.shape ?? [];
    return { name, type, shape, byteLength: 0 };
  };
  let quads = 0;
  for (const { name, shape } of program.weights) {
    if (shape.length === 1) {
      vectors.set(name, quads);
      quads += quadsOf(shape[0] ?? 0);
    } else {
      // As it lies, without a byte of it.
      const info = infoOf(name);
      const [columns = 0, stored = 0] = shape.toReversed();
      const parts = partsOf(gpu, info).map((part) => ({ ...part, buffer: {} as GPUBuffer }));
      const { units } = planeLayout(type, columns);
      const rows = 4 * Math.ceil(stored / 4);
      weights.set(name, { type, columns, units, rows, rowStep: 4, rowShift: 0, parts });
    }
  }
  const steps = fuse(program, (names, stacking) => canStack(gpu, names.map(infoOf), stacking));
  const buffer = (await idle.buffer('vectors', 16 * quads)) as GPUBuffer;
  const loaded: GpuProgram = {
    gpu,
    program,
    steps,
    weights,
    vectors: { buffer, atOf: vectors },
    factors: new Map(),
    buffers,
    chunkPositions: 64,
    isChecked: false,
  };
  const guard = new SessionGuard(program, config.contextLength, () => undefined);
  const session = new WebgpuSession(loaded, guard);
  return { idle, program, session: await session.prepare() };
}

describe('a model of 70 billion weights', () => {
  it.each<[TensorTypeName, number]>([
    ['q4_k', 2 ** 27],
    ['q6_k', 2 ** 31],
    ['f32', BINDING],
    ['f32', 2 ** 29],
  ])(
    'of %s under bindings of %d bytes binds, runs to the end of its context and shows every value',
    async (type, bytes) => {
      // What a cache of the whole context takes must fit, too.
      const contextLength = Math.min(WIDE.contextLength, bytes / 2 ** 13);
      const { idle, program, session } = await openIdle({ ...WIDE, contextLength }, type, bytes);
      const tap = { values: new Set(program.values.map(({ id }) => id)), onValue: () => undefined };
      await session.run({ tokens: [1], logits: 'last', tap });
      const many = Array.from({ length: 64 }, () => 1);
      while (session.positionCount + 64 < contextLength) await session.run({ tokens: many, logits: 'none' });
      await session.run({ tokens: many.slice(0, contextLength - session.positionCount - 1), logits: 'all', tap });
      await session.run({ tokens: [1], logits: 'last', tap });
      expect(session.positionCount).toBe(contextLength);
      expect(Math.max(...idle.grids.flat())).toBeLessThanOrEqual(MAX_GROUPS);
      expect(idle.copies.length).toBeGreaterThan(40);
      expect(
        idle.copies.flatMap(({ from, to, byteLength }) => [from, to, byteLength]).every(Number.isSafeInteger),
      ).toBe(true);
      expect(Math.max(...idle.copies.map(({ to, byteLength }) => to + byteLength))).toBeLessThanOrEqual(2 ** 28);
    },
  );

  it('has a context refused that no binding has room for', async () => {
    await expect(openIdle(WIDE, 'q4_k', 2 ** 27)).rejects.toMatchObject({ code: 'E_GPU_CONTEXT' });
  });
});
