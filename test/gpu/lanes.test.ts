// Sums over several threads: subgroups change no bit, and any number of lanes adds up all of a row.
import { describe, expect, it } from 'vitest';
import { areAdjacent, laneCountOf } from '../../src/gpu/lanes.ts';
import { SMALL_CONFIG } from '../cases/synthetic-model.ts';
import { sharedTestDevice } from './adapter.ts';
import { valuesOf, WITH_EXPERTS } from './models.ts';
import { runKernel } from './run-kernel.ts';

const ROWS = 36;
const COLUMNS = 1_056;
const UNITS = COLUMNS / 32;
const POSITIONS = 3;
/** Whole numbers, so that every order of a sum gives the same, which a double gives too. */
const weights = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => ((i * 7_919) % 15) - 7);
const x = Float32Array.from({ length: POSITIONS * COLUMNS }, (_, i) => ((i * 104_729) % 17) - 8);
const exact = Array.from({ length: POSITIONS * ROWS }, (_, i) => {
  const [position, row] = [Math.floor(i / ROWS), i % ROWS];
  return Array.from(
    { length: COLUMNS },
    (__, c) => (weights[row * COLUMNS + c] ?? 0) * (x[position * COLUMNS + c] ?? 0),
  ).reduce((sum, each) => sum + each, 0);
});

describe.each([4, 8, 16, 32])('%d lanes', async (laneCount) => {
  const gpu = await sharedTestDevice({ subgroups: false, laneCount });
  const words = new Uint32Array(weights.buffer);
  const common = {
    type: 'f32',
    grid: [Math.ceil(ROWS / 4 / (64 / laneCount))],
    params: {
      units: UNITS,
      plane_1: 0,
      plane_2: 0,
      row_step: 4,
      row_shift: 0,
      rows: ROWS,
      quads: COLUMNS / 4,
      x_at: 0,
      x_stride: COLUMNS / 4,
      out_at: 0,
      out_stride: ROWS / 4,
    },
  } as const;

  it('make a product for many positions exactly, where it is exact', async () => {
    const { out } = await runKernel(gpu, {
      ...common,
      kernel: 'matmul',
      place: { rowCount: POSITIONS },
      buffers: { out: new Float32Array(POSITIONS * ROWS).fill(Number.NaN), quads: words, words, x },
    });
    expect([...out]).toEqual(exact);
  });

  it('make a product for one', async () => {
    const none = {
      residual_at: 0,
      residual_stride: 0,
      has_bias: 0,
      has_residual: 0,
      gain_at: 0,
      bias_at: 0,
    };
    const { out } = await runKernel(gpu, {
      ...common,
      kernel: 'product',
      params: {
        ...common.params,
        ...none,
        channels: COLUMNS,
        eps: 0,
        gain_offset: 0,
        norm_at: 0xffff_ffff,
        raw_at: 0xffff_ffff,
        biased_at: 0xffff_ffff,
      },
      buffers: {
        out: new Float32Array(ROWS).fill(Number.NaN),
        inner: new Float32Array(4),
        quads: words,
        words,
        x: x.slice(0, COLUMNS),
        vectors: new Float32Array(4),
        residual: new Float32Array(4),
      },
    });
    expect([...out]).toEqual(exact.slice(0, ROWS));
  });
});

describe('with subgroups and without', async () => {
  const gpu = await sharedTestDevice();

  it.runIf(gpu.lanes.hasSubgroups).each([
    ['experts', WITH_EXPERTS],
    ['a gated feed-forward', { ...SMALL_CONFIG, layerCount: 1, hasQkvBias: false }],
  ])(
    'all values of a layer have the same bits: %s',
    async (_, config) => {
      const plain = await sharedTestDevice({ subgroups: false, laneCount: gpu.lanes.count });
      const values = await valuesOf(plain, config);
      expect(values.ofFew.length).toBeGreaterThan(40);
      expect(await valuesOf(gpu, config)).toEqual(values);
    },
    180_000,
  );
});

it('there are as many lanes as the least subgroup has threads, 32 at most', () => {
  expect([4, 8, 16, 32, 64, 128, undefined].map(laneCountOf)).toEqual([4, 8, 16, 32, 32, 32, 4]);
});

it('threads must be numbered as they are next to each other', () => {
  const numbersOf = (size: number, numberOf: (thread: number) => number): Uint32Array =>
    Uint32Array.from({ length: 128 }, (_, i) => (i % 2 === 0 ? numberOf(i / 2) : size));
  expect(
    areAdjacent(
      numbersOf(32, (thread) => thread % 32),
      32,
    ),
  ).toBe(true);
  expect(
    areAdjacent(
      numbersOf(64, (thread) => thread),
      32,
    ),
  ).toBe(true);
  expect(
    areAdjacent(
      numbersOf(16, (thread) => thread % 16),
      32,
    ),
  ).toBe(false);
  expect(
    areAdjacent(
      numbersOf(32, (thread) => (thread * 2) % 32),
      4,
    ),
  ).toBe(false);
});
