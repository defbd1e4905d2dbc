// Tries to make the WebGPU engine depend on what a device has: bindings that are smaller than a matrix, more workgroups than one
// direction takes, subgroups or none, a device that is lost, memory that does not suffice; and to get a kernel past a checked run that
// writes too far or reads what nobody wrote. Not claimed: that the numbers are right (local-check-v1).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { TensorTypeName } from '../src/engine/formats/tensor-types.ts';
import { folded, MAX_GROUPS, perRow, THREADS } from '../src/gpu/dispatch.ts';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE, tinyModel, tinyShape } from './kit/models/tiny-model.ts';
import { withDevice, type Ask } from './webgpu-limits-v1/device-process.ts';
import { STATES, UNSEEN } from './webgpu-limits-v1/cases.ts';

const Q4_K = 'sums-2m.q4_k_m.gguf';

/** A small model as a file: one layer, of any type whose blocks divide its rows. */
function fileOf(context: PartContext, variant: number, matrixType: TensorTypeName): string {
  const shape = tinyShape(variant, { layerCount: 1, modelDim: 64, ffnDim: 256, matrixType, isTied: variant % 2 === 0 });
  const path = join(context.folder, `${variant}-${matrixType}.gguf`);
  writeFileSync(path, tinyModel(shape, 1).bytes);
  return path;
}

const variants = fc.nat(TINY_VARIANT_COUNT - 1);
const types = fc.constantFrom<TensorTypeName[]>('f32', 'f16', 'q8_0', 'q4_0', 'q5_1');
const tokensOf = (counts: readonly number[], vocab: number): fc.Arbitrary<number[]> =>
  fc.constantFrom(...counts).chain((count) => fc.array(fc.nat(vocab - 1), { minLength: count, maxLength: count }));
/** Whole chunks, which come op by op. */
const chunks = tokensOf([8, 16], TINY_VOCAB_SIZE);
const anyTokens = tokensOf([1, 3, 9, 16], TINY_VOCAB_SIZE);

/** Runs the product's own executor too: a claim about it says nothing where that does not run. */
async function runOnce(context: PartContext): Promise<void> {
  const model = await context.openModel(fileOf(context, 0, 'f16'));
  const executor = await context.openExecutor(model);
  const session = await executor.openSession(1);
  await session.run({ tokens: [1], logits: 'last' });
  await executor.close();
  await model.close();
}

const onDevice =
  (work: (context: PartContext, ask: Ask) => Promise<void>): Part['run'] =>
  async (context) => {
    await runOnce(context);
    await withDevice(context, (ask) => work(context, ask));
  };

/** 0 where every workgroup is there and no direction has too many. */
function missingGroups(count: number): number {
  const [x, y] = folded(count);
  return Math.max(0, count - x * y) + Math.max(0, x - MAX_GROUPS) + Math.max(0, y - MAX_GROUPS);
}

function missingThreads(rowCount: number, count: number): number {
  const [x, y, z] = perRow(count)({ rowCount, firstPosition: 0 });
  return Math.max(0, rowCount * count - THREADS * x * y * z) + Math.max(0, x - MAX_GROUPS);
}

const faults = async (names: string) => (await import('./webgpu-limits-v1/faults.webgpu.ts')).atLimits(names);

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-WGLIM-001': {
    parts: {
      generated: {
        planned: 24,
        run: onDevice((context, ask) =>
          context.search(
            fc.tuple(variants, types, fc.nat(40_000), chunks),
            context.planned,
            ([variant, type, bindingBytes, tokens]) =>
              ask({ what: 'parts', model: fileOf(context, variant, type), bindingBytes, tokens }),
          ),
        ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: 2,
        run: onDevice(async (context, ask) => {
          for (const bindingBytes of [0, 100_000]) {
            const tokens = Array.from({ length: 8 }, (_, i) => (97 * i) % 768);
            const model = context.model('model:sums-2m', Q4_K);
            context.measure(await ask({ what: 'parts', model, bindingBytes, tokens }), `bindings of ${bindingBytes}`);
          }
        }),
      },
    },
    faults: [],
    faultsOnWebgpu: () => faults('parts-on-the-first part-begins-late'),
  },
  'FALSIFY-WGLIM-002': {
    parts: {
      generated: {
        planned: 2_000,
        run: async (context) => {
          await runOnce(context);
          await context.search(fc.integer({ min: 1, max: MAX_GROUPS ** 2 }), context.planned / 2, missingGroups);
          const rows = fc.tuple(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 2 ** 20 }));
          await context.search(rows, context.planned / 2, ([rowCount, count]) => missingThreads(rowCount, count));
        },
      },
    },
    faults: [],
    faultsOnWebgpu: () => faults('groups-in-one-line groups-one-line-short'),
  },
  'FALSIFY-WGLIM-003': {
    parts: {
      generated: {
        planned: 12,
        run: onDevice((context, ask) =>
          context.search(fc.tuple(variants, types, anyTokens), context.planned, ([variant, type, tokens]) =>
            ask({ what: 'lanes', model: fileOf(context, variant, type), tokens }),
          ),
        ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: 2,
        run: onDevice(async (context, ask) => {
          for (const tokens of [[5], [1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
            const model = context.model('model:sums-2m', Q4_K);
            context.measure(await ask({ what: 'lanes', model, tokens }), `${tokens.length} tokens`);
          }
        }),
      },
    },
    faults: [],
    faultsOnWebgpu: () => faults('lanes-half lanes-other-order'),
  },
  'FALSIFY-WGLIM-004': {
    parts: {
      generated: {
        planned: STATES.length,
        run: onDevice(async (context, ask) => {
          for (const state of STATES) {
            context.measure(
              await ask({ what: 'lost', model: fileOf(context, 0, 'f16'), state }),
              `lost while ${state}`,
            );
          }
        }),
      },
    },
    faults: [],
    faultsOnWebgpu: () => faults('lost-is-silent lost-while-mapped'),
  },
  'FALSIFY-WGLIM-005': {
    parts: {
      generated: {
        planned: 12,
        run: onDevice((context, ask) =>
          context.search(fc.nat(60), context.planned, (buffer) =>
            ask({ what: 'memory', model: fileOf(context, 0, 'f16'), buffer }),
          ),
        ),
      },
    },
    faults: [],
    faultsOnWebgpu: () => faults('weights-stay buffer-stays'),
  },
  'FALSIFY-WGLIM-006': {
    parts: {
      generated: {
        planned: 6 + UNSEEN.length,
        run: onDevice(async (context, ask) => {
          for (const change of UNSEEN) {
            context.measure(
              await ask({ what: 'unseen', model: fileOf(context, 1, 'f16'), change }),
              `a ${change} unseen`,
            );
          }
          const inputs = fc.tuple(variants, types, anyTokens);
          await context.search(inputs, Math.max(1, context.planned - UNSEEN.length), ([variant, type, tokens]) =>
            ask({ what: 'checked', model: fileOf(context, variant, type), tokens }),
          );
        }),
      },
    },
    faults: [],
    faultsOnWebgpu: () => faults('guards-unread poison-left-out'),
  },
};
