// Programs to steps: nothing is lost, nothing is read before it is written, and what one kernel makes stays in it. Needs no GPU.
import fc from 'fast-check';
import { readdirSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/engine/model/open-model.ts';
import { operands, type Program } from '../../src/engine/program/program.ts';
import { planBuffers, quadsOf } from '../../src/gpu/buffer-plan.ts';
import { fuse } from '../../src/gpu/fuse.ts';
import { innersOf, opsOf, outsOf, valuesOf, type Step } from '../../src/gpu/steps.ts';

const TINY = fileURLToPath(new URL('../../models/tiny/', import.meta.url));
const MODELS = readdirSync(TINY).filter((name) => existsSync(`${TINY}${name}/model.gguf`));

async function programOf(name: string): Promise<Program> {
  const model = await openModel(`${TINY}${name}/model.gguf`);
  await model.close();
  return model.program;
}

/** Values that are read in a step before any step has written them, or that never leave the step that makes them. */
function unreadable(steps: readonly Step[]): string[] {
  const written = new Set<string>();
  return steps.flatMap((step) => {
    const { reads, writes } = valuesOf(step);
    const missing = reads.filter((value) => !written.has(value));
    for (const value of writes.flat()) written.add(value);
    return missing;
  });
}

const kindsOf = (steps: readonly Step[]): string[] => [...new Set(steps.map(({ kind }) => kind))].toSorted();

describe.each(MODELS)('%s', async (name) => {
  const program = await programOf(name);

  it('has every op, and a norm more than once only within products', () => {
    const steps = fuse(program, () => true);
    const made = steps.flatMap(opsOf);
    expect(new Set(made)).toEqual(new Set(program.ops));
    const twice = made.filter((op, i) => made.indexOf(op) !== i);
    expect(twice.every(({ op }) => op === 'rmsnorm')).toBe(true);
    expect(unreadable(steps)).toEqual([]);
  });

  it('shows every value, in a step or after it', () => {
    const steps = fuse(program, () => true);
    const shown = new Set(steps.flatMap((step) => [...outsOf(step).flat(), ...innersOf(step)]));
    expect(program.values.filter(({ id }) => !shown.has(id))).toEqual([]);
  });

  it('runs whatever may share a buffer', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.boolean()), (answers) => {
        const steps = fuse(program, () => answers.next().value === true);
        expect(new Set(steps.flatMap(opsOf))).toEqual(new Set(program.ops));
        expect(unreadable(steps)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps values apart that live at once', () => {
    const steps = fuse(program, () => true);
    const { whereOf, slotQuads } = planBuffers(program, steps.map(valuesOf));
    const channels = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
    /** Of each buffer, who owns its quads now. */
    const owners = slotQuads.map((quads) => Array.from<string>({ length: quads }));
    for (const step of steps) {
      const { reads, writes } = valuesOf(step);
      const quads = (value: string): [string[], number, number] => {
        const { slot, at } = whereOf.get(value) ?? { slot: -1, at: 0 };
        return [owners[slot] ?? [], at, at + quadsOf(channels.get(value) ?? 0)];
      };
      for (const value of writes.flat()) {
        const [owner, from, to] = quads(value);
        expect(to).toBeLessThanOrEqual(owner.length);
        owner.fill(value, from, to);
      }
      // After the writes: a kernel reads while it writes.
      for (const value of reads) {
        const [owner, from, to] = quads(value);
        expect(new Set(owner.slice(from, to))).toEqual(new Set([value]));
      }
    }
  });
});

it('knows the patterns of the architectures', async () => {
  const kinds = await Promise.all(MODELS.map(async (name) => kindsOf(fuse(await programOf(name), () => true))));
  expect(new Set(kinds.flat())).toEqual(
    new Set(['op', 'product', 'gated', 'attend', 'normAdd', 'choose', 'expertsGated', 'expertsSum']),
  );
});

it('makes matrices of two types one product', async () => {
  const program = await programOf('llama');
  const steps = fuse(program, (names) => !(names.length === 3));
  expect(kindsOf(steps)).toContain('productOfTwo');
});

it('runs op by op where steps would be in no order', () => {
  // The gate of a feed-forward waits for what its own product feeds: no step can be first.
  const value = (id: string) => ({ id, layer: 0, channelCount: 4 });
  const program: Program = {
    architecture: 'none',
    layerCount: 1,
    vocabSize: 4,
    contextLength: 4,
    values: ['x', 'q', 'k', 'v', 'qr', 'kk', 'a', 'y'].map(value),
    ops: [
      { op: 'embed', weight: 'e', out: 'x' },
      { op: 'matmul', in: 'x', weight: 'q', out: 'q' },
      { op: 'scale', in: 'q', factor: 2, out: 'qr' },
      { op: 'mul', a: 'qr', b: 'x', out: 'kk' },
      { op: 'matmul', in: 'kk', weight: 'k', out: 'k' },
      { op: 'matmul', in: 'x', weight: 'v', out: 'v' },
      {
        op: 'attention',
        q: 'x',
        k: 'k',
        v: 'v',
        out: 'a',
        layer: 0,
        headCount: 1,
        kvHeadCount: 1,
        headDim: 4,
        scale: 1,
        window: null,
      },
      { op: 'matmul', in: 'a', weight: 'o', out: 'y' },
    ],
    stages: [],
    weights: [],
    logits: 'y',
  };
  const steps = fuse(program, () => true);
  expect(steps.flatMap(opsOf).flatMap((op) => operands(op).writes)).toEqual(['x', 'q', 'qr', 'kk', 'k', 'v', 'a', 'y']);
  expect(unreadable(steps)).toEqual([]);
});
