// Is a fault in a real llama.cpp found at its op? Writes copies of a model file with one thing wrong in each, runs
// llama.cpp on them, and judges it by the healthy file, formats inferred. Prints the table of docs/llama-cpp.md.
//   node bench/llama-cpp-faults.ts [--variant zen4] [--flash-attention on|off]
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkModel } from '../src/diagnosis/index.ts';
import { MemoryByteSource, openModel } from '../src/engine/index.ts';
import { parseGguf, type GgufFile } from '../src/engine/formats/gguf.ts';
import { openExecutor } from '../src/executors.ts';

const { values: flags } = parseArgs({
  options: { variant: { type: 'string' }, 'flash-attention': { type: 'string', default: 'off' } },
});

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TOKENS = [16, 17, 10, 18, 19, 28, 19, 21, 13, 220, 22, 10, 20, 28, 16, 17, 13];

interface Copy {
  bytes: Buffer;
  gguf: GgufFile;
}

interface Trial {
  file: string;
  title: string;
  /** The value whose op holds the fault. */
  expected: string;
  spoil: (copy: Copy) => void;
}

const Q4 = 'models/sums-2m/sums-2m.q4_k_m.gguf';
const F16 = 'models/sums-2m/sums-2m.f16.gguf';

const trials: Trial[] = [
  {
    file: Q4,
    title: 'one block scale 1 % high',
    expected: 'layer-1/ffn_gate',
    spoil: scaleOf('blk.1.ffn_gate.weight', 5, 1.01),
  },
  {
    file: Q4,
    title: 'one block scale doubled',
    expected: 'layer-0/attn_out',
    spoil: scaleOf('blk.0.attn_output.weight', 0, 2),
  },
  { file: Q4, title: 'one row zeroed', expected: 'layer-2/ffn_up', spoil: zeroRow('blk.2.ffn_up.weight', 17) },
  {
    file: Q4,
    title: 'one row of the last matrix zeroed',
    expected: 'layer-3/ffn_out',
    spoil: zeroRow('blk.3.ffn_down.weight', 255),
  },
  {
    file: Q4,
    title: 'query heads 0 and 1 exchanged',
    expected: 'layer-1/q_matmul',
    spoil: swapRows('blk.1.attn_q.weight', 0, 32, 32),
  },
  {
    file: Q4,
    title: 'key heads 0 and 1 exchanged',
    expected: 'layer-2/k_matmul',
    spoil: swapRows('blk.2.attn_k.weight', 0, 32, 32),
  },
  {
    file: Q4,
    title: 'gate and up exchanged',
    expected: 'layer-3/ffn_gate',
    spoil: swapTensors('blk.3.ffn_gate.weight', 'blk.3.ffn_up.weight'),
  },
  {
    file: Q4,
    title: 'nibbles of one tensor exchanged',
    expected: 'layer-0/ffn_up',
    spoil: swapNibbles('blk.0.ffn_up.weight'),
  },
  {
    file: Q4,
    title: 'rope base 10 times too large',
    expected: 'layer-0/q_post_rope',
    spoil: scaleKey('qwen2.rope.freq_base', 10),
  },
  {
    file: Q4,
    title: 'rope base 1 % too large',
    expected: 'layer-0/q_post_rope',
    spoil: scaleKey('qwen2.rope.freq_base', 1.01),
  },
  {
    file: Q4,
    title: 'norm epsilon 10 times too large',
    expected: 'layer-0/attn_norm',
    spoil: scaleKey('qwen2.attention.layer_norm_rms_epsilon', 10),
  },
  {
    file: Q4,
    title: 'one gain of a norm 0.1 % high',
    expected: 'layer-2/ffn_norm',
    spoil: scaleFloat('blk.2.ffn_norm.weight', 100, 1.001),
  },
  {
    file: Q4,
    title: 'one bias 0.1 % high',
    expected: 'layer-1/v_bias',
    spoil: scaleFloat('blk.1.attn_v.bias', 7, 1.001),
  },
  {
    file: Q4,
    title: 'two rows of the embedding exchanged',
    expected: 'layer-0/embedding',
    spoil: swapRows('token_embd.weight', 16, 17, 1),
  },
  {
    file: F16,
    title: 'one weight of the product 1 % high',
    expected: 'layer-2/attn_out',
    spoil: scaleHalf('blk.2.attn_output.weight', 300, 1.01),
  },
  { file: F16, title: 'one row zeroed', expected: 'layer-1/v_matmul', spoil: zeroRow('blk.1.attn_v.weight', 3) },
  {
    file: F16,
    title: 'one gain of the last norm 0.1 % high',
    expected: 'final_norm',
    spoil: scaleFloat('output_norm.weight', 9, 1.001),
  },
];

function placeOf({ gguf }: Copy, name: string): { at: number; byteLength: number; rowBytes: number } {
  const tensor = gguf.tensors.find((one) => one.name === name);
  if (tensor === undefined || tensor.byteLength === null) throw new Error(`there is no ${name}`);
  const rows = tensor.shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  return { at: tensor.byteOffset, byteLength: tensor.byteLength, rowBytes: tensor.byteLength / rows };
}

/** K-quants of 4 bits: the scale of a block of 144 bytes comes first. */
function scaleOf(name: string, block: number, factor: number): Trial['spoil'] {
  return (copy) => multiplyHalf(copy.bytes, placeOf(copy, name).at + 144 * block, factor);
}

function scaleHalf(name: string, index: number, factor: number): Trial['spoil'] {
  return (copy) => multiplyHalf(copy.bytes, placeOf(copy, name).at + 2 * index, factor);
}

function multiplyHalf(bytes: Buffer, at: number, factor: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setFloat16(at, view.getFloat16(at, true) * factor, true);
}

function scaleFloat(name: string, index: number, factor: number): Trial['spoil'] {
  return (copy) => {
    const at = placeOf(copy, name).at + 4 * index;
    copy.bytes.writeFloatLE(copy.bytes.readFloatLE(at) * factor, at);
  };
}

/** A float32 of the metadata: behind its key and its type. */
function scaleKey(key: string, factor: number): Trial['spoil'] {
  return ({ bytes }) => {
    const at = bytes.indexOf(key) + key.length + 4;
    bytes.writeFloatLE(bytes.readFloatLE(at) * factor, at);
  };
}

function zeroRow(name: string, row: number): Trial['spoil'] {
  return (copy) => {
    const { at, rowBytes } = placeOf(copy, name);
    copy.bytes.fill(0, at + row * rowBytes, at + (row + 1) * rowBytes);
  };
}

function swapRows(name: string, a: number, b: number, count: number): Trial['spoil'] {
  return (copy) => {
    const { at, rowBytes } = placeOf(copy, name);
    swap(copy.bytes, at + a * rowBytes, at + b * rowBytes, count * rowBytes);
  };
}

function swapTensors(a: string, b: string): Trial['spoil'] {
  return (copy) => swap(copy.bytes, placeOf(copy, a).at, placeOf(copy, b).at, placeOf(copy, a).byteLength);
}

function swap(bytes: Buffer, a: number, b: number, length: number): void {
  const kept = Buffer.from(bytes.subarray(a, a + length));
  bytes.copy(bytes, a, b, b + length);
  kept.copy(bytes, b);
}

function swapNibbles(name: string): Trial['spoil'] {
  return (copy) => {
    const { at, byteLength } = placeOf(copy, name);
    for (let i = 0; i < byteLength; i += 1) {
      if (i % 144 < 16) continue;
      const byte = copy.bytes[at + i] ?? 0;
      copy.bytes[at + i] = ((byte & 15) << 4) | (byte >> 4);
    }
  };
}

async function judge(file: string, subjectPath: string): Promise<Awaited<ReturnType<typeof checkModel>>> {
  const model = await openModel(join(ROOT, file));
  const { program, weights } = model;
  const subject = {
    modelPath: subjectPath,
    flashAttention: flags['flash-attention'] === 'on' ? ('on' as const) : ('off' as const),
    ...(flags.variant === undefined ? {} : { variant: flags.variant }),
  };
  const { executor } = await openExecutor('llama.cpp', program, weights, { subject });
  try {
    const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
    return await checkModel({ executor, program, weights, tokens: TOKENS, ...none });
  } finally {
    await executor.close();
    await model.close();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'refute-llama-faults-'));
try {
  let [elements, found] = [0, 0];
  process.stdout.write('| file | fault | op that holds it | verdict | named op | rho, proven |\n');
  process.stdout.write('| --- | --- | --- | --- | --- | --- |\n');
  for (const file of [Q4, F16]) {
    const { results, verdict, coverage } = await judge(file, join(ROOT, file));
    elements += coverage.elementCount;
    const most = results.reduce((rho, { rhoProven }) => Math.max(rho, rhoProven), 0);
    process.stdout.write(
      `| ${file.split('/').at(-1)} | none | | ${verdict === 'INCONCLUSIVE' ? 'silent' : verdict} | | ${most.toPrecision(3)} |\n`,
    );
  }
  for (const { file, title, expected, spoil } of trials) {
    const bytes = await readFile(join(ROOT, file));
    spoil({ bytes, gguf: await parseGguf(new MemoryByteSource(bytes, file)) });
    const path = join(folder, 'spoilt.gguf');
    await writeFile(path, bytes);
    const { verdict, at, results, coverage } = await judge(file, path);
    elements += coverage.elementCount;
    const place = at?.value ?? '';
    const rho = results.find(({ value }) => value === place)?.rhoProven ?? 0;
    if (verdict === 'BUG' && place === expected) found += 1;
    process.stdout.write(
      `| ${file.split('/').at(-1)} | ${title} | ${expected} | ${verdict} | ${place === expected ? place : `**${place}**`} | ${rho.toPrecision(3)} |\n`,
    );
  }
  process.stdout.write(`\n${found} of ${trials.length} found at their op, ${elements} elements judged\n`);
} finally {
  await rm(folder, { recursive: true });
}
