// Numbers that leave their range, and weights that were never in it, as a person sees them: through apr run, trace,
// check and inspect. Every model is made from a seed and broken at one place.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeGguf, ggufEntry } from '../fixtures/gguf.ts';
import { tinyImage, type TinyModelOptions } from '../fixtures/tiny-model.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { readGguf } from '../../falsifiers/kit/models/gguf-file.ts';
import { apr, aprJson } from './apr-process.ts';

const folder = await temporaryFolder();
const WIDTH = 32;
const TOKENS = ['--tokens', '1,5,9'];

type Edit = (tensor: (name: string) => Float32Array) => void;
let count = 0;

/** A file of the tiny model with its float32 tensors edited. */
async function model(edit: Edit, options: TinyModelOptions = {}): Promise<string> {
  const image = tinyImage(options);
  edit((name) => {
    const tensor = image.tensors.find((candidate) => candidate.name === name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    tensor.data = Uint8Array.from(tensor.data);
    return new Float32Array(tensor.data.buffer);
  });
  const path = join(folder, `${(count += 1)}.gguf`);
  await writeFile(path, encodeGguf(image));
  return path;
}

const scaled =
  (by: number, ...names: string[]): Edit =>
  (tensor) => {
    for (const name of names) tensor(name).forEach((value, i, all) => void (all[i] = value * by));
  };

/** Token 5's row of the embedding. */
const row5 =
  (value: number): Edit =>
  (tensor) =>
    void tensor('token_embd.weight').fill(value, 5 * WIDTH, 6 * WIDTH);

interface Left {
  name: string;
  edit: Edit;
  at: { layer: number | null; op: string; stage: string; position: number };
  says: RegExp;
}

const LEFT: readonly Left[] = [
  {
    name: 'squares of the first norm',
    edit: row5(2e19),
    at: { layer: 0, op: 'rmsnorm', stage: 'layer-0/attn_norm', position: 1 },
    says: /layer 0 `rmsnorm` \(attn_norm\), position 1: the sum of squares leaves float32/,
  },
  {
    name: 'squares of a norm in the middle',
    edit: scaled(1e22, 'blk.0.ffn_down.weight'),
    at: { layer: 1, op: 'rmsnorm', stage: 'layer-1/attn_norm', position: 0 },
    says: /layer 1 `rmsnorm` \(attn_norm\), position 0: the sum of squares leaves float32/,
  },
  {
    name: 'scores',
    edit: scaled(1e21, 'blk.1.attn_q.weight', 'blk.1.attn_k.weight'),
    at: { layer: 1, op: 'attention', stage: 'layer-1/attention', position: 0 },
    says: /layer 1 `attention`, position 0: .*q·k.* leaves float32/,
  },
  {
    name: 'the product of gate and up',
    edit: (tensor) => {
      scaled(3e37, 'blk.0.ffn_up.weight')(tensor);
      scaled(1e4, 'blk.0.ffn_gate.weight')(tensor);
    },
    at: { layer: 0, op: 'mul', stage: 'layer-0/ffn_swigl', position: 0 },
    says: /layer 0 `mul` \(ffn_swigl\), position 0: .*leaves float32/,
  },
  {
    name: 'a sum of the head',
    edit: (tensor) => void tensor('output.weight').fill(3e38, 7 * WIDTH, 8 * WIDTH),
    at: { layer: null, op: 'matmul', stage: 'lm_head', position: 0 },
    says: /the whole model `matmul` \(lm_head\), position 0: .*leaves float32/,
  },
];

describe.each(LEFT)('$name', ({ edit, at, says }) => {
  test('run, trace and check name the op, the layer and the position', async () => {
    const path = await model(edit);
    const run = await apr(['run', path, ...TOKENS, '--max-tokens', '2']);
    expect(run.stderr).toMatch(says);
    expect(run.stderr).toContain('OVERFLOW_NONFINITE');
    const trace = await aprJson(['trace', path, ...TOKENS]);
    expect(trace.json['outOfRange']).toMatchObject({ bugClass: 'OVERFLOW_NONFINITE', weight: null, ...at });
    const check = await aprJson(['check', path, ...TOKENS]);
    expect(check.said.exitCode).toBe(1);
    expect(check.json).toMatchObject({ verdict: 'BUG', bugClass: 'OVERFLOW_NONFINITE' });
    expect(check.json['sentence']).toMatch(says);
    expect(check.json['at']).toMatchObject({ layer: at.layer, op: at.op, value: at.stage });
  }, 60_000);
});

test('squares that vanish beside an eps that is as small are said, and those beside a usual eps are not', async () => {
  const key = 'llama.attention.layer_norm_rms_epsilon';
  const entries = { [key]: ggufEntry(key, 'f32', 2e-45) };
  const lost = await apr(['run', await model(scaled(3e-23, 'token_embd.weight'), { entries }), ...TOKENS]);
  expect(lost.stderr).toMatch(/OVERFLOW_NONFINITE.*\(attn_norm\), position 0: the squares are too small for float32/);
  const fine = await apr(['run', await model(() => undefined, { entries }), ...TOKENS]);
  expect(fine.stderr).not.toContain('OVERFLOW_NONFINITE');
});

test('a logit of -Infinity, which only rules its token out, is said with the weight behind it', async () => {
  for (const value of [Infinity, -Infinity]) {
    const path = await model((tensor) => void (tensor('output.weight')[7 * WIDTH] = value));
    const run = await apr(['run', path, ...TOKENS, '--max-tokens', '1']);
    expect(run.stderr).toMatch(/OVERFLOW_NONFINITE|E_LOGITS/);
    expect(run.stderr).toContain('tensor "output.weight" holds 1 infinity, first in row 7');
  }
});

test('an infinite logit under a softcap, which makes a number of it, is said', async () => {
  const file = await readFile(new URL('../../models/tiny/gemma2/model.gguf', import.meta.url));
  const { tensors } = readGguf(file);
  const gain =
    tensors.find(({ name }) => name === 'output_norm.weight')?.bytes.subarray(0, 4 * 48) ?? new Uint8Array(0);
  const row = tensors.find(({ name }) => name === 'token_embd.weight')?.bytes.subarray(50 * 96, 51 * 96) ?? gain;
  const path = join(folder, 'gemma2.gguf');
  const at = (part: Uint8Array): number => file.indexOf(part);
  const [gainAt, rowAt] = [at(gain), at(row)];
  for (let i = 0; i < gain.length; i += 4) file.writeFloatLE(1e34, gainAt + i);
  // 60000 as a float16, and zeros.
  file.fill(0, rowAt, rowAt + row.length).writeUInt16LE(0x7b53, rowAt);
  await writeFile(path, file);
  const says = /`matmul` \(lm_head_uncapped\), position \d: \d NaN or infinite value.*leaves float32/;
  const tokens = ['--tokens', '3,17,42'];
  expect((await apr(['run', path, ...tokens, '--max-tokens', '2'])).stderr).toMatch(says);
  expect((await apr(['trace', path, ...tokens])).stdout).toMatch(says);
  expect((await apr(['check', path, ...tokens])).stdout.split('\n')[0]).toMatch(says);
});

test('a row that leaves its range among the generated tokens is named too', async () => {
  const { json } = await aprJson(['run', await model(() => undefined), ...TOKENS, '--max-tokens', '1']);
  const [id = 0] = json['generatedIds'] as number[];
  const path = await model((tensor) => void tensor('token_embd.weight').fill(2e19, id * WIDTH, (id + 1) * WIDTH));
  const run = await apr(['run', path, ...TOKENS, '--max-tokens', '2']);
  expect(run.stderr).toMatch(/layer 0 `rmsnorm` \(attn_norm\), position 3: the sum of squares leaves float32/);
});

const BROKEN: readonly [string, string, string, Edit][] = [
  [
    'a NaN of a matrix',
    'blk.1.ffn_up.weight',
    'holds 1 NaN, first in row 5, column 3',
    (tensor) => void (tensor('blk.1.ffn_up.weight')[5 * WIDTH + 3] = Number.NaN),
  ],
  [
    'an infinite gain',
    'blk.1.attn_norm.weight',
    'holds 1 infinity, first at 3',
    (tensor) => void (tensor('blk.1.attn_norm.weight')[3] = -Infinity),
  ],
  [
    'a NaN of an embedding',
    'token_embd.weight',
    'holds 1 NaN, first in row 9, column 1',
    (tensor) => void (tensor('token_embd.weight')[9 * WIDTH + 1] = Number.NaN),
  ],
];

test.each(BROKEN)('%s: the tensor is named, and nothing is said to overflow', async (_, name, holds, edit) => {
  const path = await model(edit);
  const says = `tensor "${name}" ${holds}`;
  const run = await apr(['run', path, ...TOKENS]);
  expect(run).toMatchObject({ exitCode: 3 });
  expect(run.stderr).toContain('E_LOGITS');
  expect(run.stderr).toContain(says);
  expect(run.stderr).not.toContain('leaves float32');
  const trace = await aprJson(['trace', path, ...TOKENS]);
  expect(trace.json['outOfRange']).toMatchObject({ kind: 'badWeight', weight: { name } });
  const check = await apr(['check', path, ...TOKENS]);
  expect(check.exitCode).toBe(1);
  expect(check.stdout.split('\n')[0]).toBe(`BUG in the weights: ${says}`);
  const inspect = await aprJson(['inspect', path]);
  expect(inspect.json['notices']).toContainEqual({ severity: 'warning', code: 'WEIGHTS-NONFINITE', message: says });
});

test.each<[string, string, Edit]>([
  ['WEIGHTS-ZERO', 'is all zeros', (tensor) => void tensor('blk.1.ffn_up.weight').fill(0)],
  ['WEIGHTS-CONSTANT', 'has the value 0.25 in every place', (tensor) => void tensor('blk.1.ffn_up.weight').fill(0.25)],
])('%s: inspect and the first line of check name the matrix', async (code, says, edit) => {
  const path = await model(edit);
  const { json } = await aprJson(['inspect', path]);
  expect(json['notices']).toContainEqual(
    expect.objectContaining({ code, message: expect.stringContaining(says) as string }),
  );
  const { stdout, exitCode } = await apr(['check', path, ...TOKENS]);
  expect(exitCode).toBe(2);
  expect(stdout.split('\n')[0]).toContain(`SUSPECT in the weights: tensor "blk.1.ffn_up.weight" ${says}`);
});

test.each(['0', '0.8'])('equal logits are said at temperature %s', async (temperature) => {
  const path = await model((tensor) => void tensor('output.weight').fill(0));
  const { said, json } = await aprJson(['run', path, ...TOKENS, '--max-tokens', '2', '--temperature', temperature]);
  expect(said.exitCode).toBe(0);
  expect(json['notices']).toContainEqual(
    expect.objectContaining({
      severity: 'warning',
      code: 'LOGITS-EQUAL',
      message: expect.stringContaining('All 288 logits') as string,
    }),
  );
});

test('two equal logits of many are not all of them', async () => {
  const path = await model((tensor) => {
    const head = tensor('output.weight');
    head.copyWithin(6 * WIDTH, 5 * WIDTH, 6 * WIDTH);
  });
  const { json } = await aprJson(['run', path, ...TOKENS, '--max-tokens', '2']);
  expect(json['notices']).not.toContainEqual(expect.objectContaining({ code: 'LOGITS-EQUAL' }));
});

test.each<[string, Edit]>([
  ['inputs so small that their squares vanish beside eps', scaled(1e-25, 'token_embd.weight')],
  [
    'massive activations',
    (tensor) => tensor('token_embd.weight').forEach((_, i, all) => void (i % WIDTH === 3 && (all[i] = 3e6))),
  ],
  ['rows of zeros for tokens that pad', (tensor) => void tensor('token_embd.weight').fill(0, 5 * WIDTH, 12 * WIDTH)],
  ['inputs just within range', row5(3e18)],
])('%s: nothing is said', async (_, edit) => {
  const path = await model(edit);
  const run = await apr(['run', path, ...TOKENS, '--max-tokens', '3']);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).not.toMatch(/OVERFLOW|LOGITS|WEIGHTS/);
  const { json } = await aprJson(['check', path, ...TOKENS]);
  expect(json).toMatchObject({ verdict: 'INCONCLUSIVE', outOfRange: null, oddWeights: [] });
  const inspected = await aprJson(['inspect', path]);
  expect(inspected.json['weights']).toEqual({ lookedAt: 21, skipped: [] });
  expect(JSON.stringify(inspected.json['notices'])).not.toContain('WEIGHTS');
});

test('scores that rounding alone may reorder have no bound, and check says so', async () => {
  const path = await model(scaled(1e6, 'blk.1.attn_q.weight', 'blk.1.attn_k.weight'));
  const { stdout, exitCode } = await apr(['check', path, '--tokens', '1,5,9,20,31']);
  expect(exitCode).toBe(2);
  expect(stdout.split('\n')[0]).toMatch(/INCONCLUSIVE: .* nothing bounds \d+ of 160 elements at layer 1 `attention`/);
});
