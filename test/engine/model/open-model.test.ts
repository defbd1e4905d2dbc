import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeGguf, ggufEntry, type GgufImage } from '../../fixtures/gguf.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { sha256Bytes } from '../../../src/engine/io/sha256.ts';
import type { Notice } from '../../../src/notice.ts';
import type { Model } from '../../../src/engine/model/model.ts';
import { openModel, openModelSource, type OpenModelOptions } from '../../../src/engine/model/open-model.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyImage, type TinyModelOptions } from '../../fixtures/tiny-model.ts';

const folder = await temporaryFolder();
type Tensor = GgufImage['tensors'][number];

/** A tiny model with one tensor changed. */
function changed(
  name: string,
  change: (tensor: Tensor) => Partial<Tensor> | null,
  options: TinyModelOptions = {},
): GgufImage {
  const image = tinyImage(options);
  const tensors = image.tensors.flatMap((tensor) => {
    if (tensor.name !== name) return [tensor];
    const by = change(tensor);
    return by === null ? [] : [{ ...tensor, ...by }];
  });
  return { ...image, tensors };
}

const open = (image: GgufImage, options: OpenModelOptions = {}): Promise<Model> =>
  openModelSource(new MemoryByteSource(encodeGguf(image), 'm.gguf'), options);

const codes = ({ notices }: { notices: readonly Notice[] }): string[] => notices.map(({ code }) => code);

/** An f32 tensor as rows; `edit` gets the numbers. */
function edited(edit: (values: Float32Array, shape: readonly number[]) => void): (tensor: Tensor) => Partial<Tensor> {
  return ({ data, shape }) => {
    const values = new Float32Array(data.slice().buffer);
    edit(values, shape);
    return { data: new Uint8Array(values.buffer) };
  };
}

describe('openModel', () => {
  it('opens a file and knows its digest', async () => {
    const path = join(folder, 'tiny.gguf');
    const bytes = encodeGguf(tinyImage());
    await writeFile(path, bytes);
    const model = await openModel(path);
    expect(model).toMatchObject({ path, format: 'gguf', byteLength: bytes.byteLength });
    expect(model.notices).toEqual([]);
    expect(model.tensors).toHaveLength(21);
    expect(model.metadata.get('general.name')).toBe('tiny-llama');
    expect(await model.sha256()).toBe(await sha256Bytes(bytes));
    expect(model.text.vocabSize).toBe(288);
    await model.close();
    await refusal('E_FILE_CLOSED', () => model.weights.read('output.weight', 0, new Uint8Array(4)));
  });

  it('shows the embedding: name, type, shape, first five values of row 0', async () => {
    const image = changed(
      'token_embd.weight',
      edited((values) => values.set([0.5, -1, 2, 0.25, 8, 99])),
    );
    const { embedding } = await open(image);
    expect(embedding).toEqual({
      name: 'token_embd.weight',
      type: 'f32',
      shape: [288, 32],
      firstValues: [0.5, -1, 2, 0.25, 8],
    });
    for (const matrixType of ['f16', 'bf16', 'q8_0', 'q4_1'] as const) {
      const quantised = await open(tinyImage({ matrixType }));
      expect(quantised.embedding?.type).toBe(matrixType);
      expect(quantised.embedding?.firstValues).toHaveLength(5);
    }
  });

  it('closes the source of a file that it refuses', async () => {
    const source = new MemoryByteSource(new Uint8Array(10));
    await refusal('E_FORMAT', () => openModelSource(source));
    await refusal('E_FILE_CLOSED', () => source.read(0, new Uint8Array(1)));
  });

  it('calls onNotice with what the model keeps', async () => {
    const heard: Notice[] = [];
    const image = tinyImage({ entries: { 'llama.rope.freq_base': undefined } });
    const { notices } = await open(image, { onNotice: (notice) => heard.push(notice) });
    expect(heard).toEqual(notices);
    expect(codes({ notices })).toEqual(['ROPE-THETA-DEFAULT']);
  });
});

describe('the weights', () => {
  it('are refused when one is missing', async () => {
    const error = await refusal('E_MODEL_TENSOR_MISSING', () => open(changed('blk.1.ffn_up.weight', () => null)));
    expect(error.message).toContain('there is no tensor "blk.1.ffn_up.weight"');
  });

  it('are refused when a size does not fit the config', async () => {
    const half = changed('blk.0.attn_k.weight', ({ data }) => ({ shape: [8, 32], data: data.subarray(0, 1_024) }));
    const error = await refusal('E_MODEL_SHAPE', () => open(half));
    expect(error.message).toContain('has shape [8, 32]; the config demands [16, 32]');
    await refusal('E_MODEL_SHAPE', () => open(changed('blk.0.attn_k.weight', () => ({ shape: [8, 64] }))));
    await refusal('E_MODEL_SHAPE', () => open(changed('output_norm.weight', () => ({ shape: [4, 8] }))));
  });

  it('are read in the shape of the config, with a warning, when dimensions look swapped', async () => {
    const image = changed('token_embd.weight', () => ({ shape: [32, 288] }));
    const model = await open(image);
    expect(codes(model)).toEqual(['LAYOUT-TRANSPOSED']);
    expect(model.notices[0]).toMatchObject({ severity: 'warning' });
    expect(model.notices[0]?.message).toContain(
      'may be transposed: its shape is [32, 288] and the config wants [288, 32]',
    );
    expect(model.weights.info('token_embd.weight')?.shape).toEqual([288, 32]);
    expect(model.tensors[0]?.shape).toEqual([32, 288]);
    expect(model.config.vocabSize).toBe(288);
    expect(model.embedding?.firstValues).toEqual((await open(tinyImage())).embedding?.firstValues);
  });

  it('may carry dimensions of 1', async () => {
    const model = await open(changed('output_norm.weight', () => ({ shape: [1, 32] })));
    expect(model.notices).toEqual([]);
  });

  it('of an unknown type are an error only when they are needed', async () => {
    const image = tinyImage();
    const extra: Tensor = { name: 'extra', type: 'f32', ggmlId: 99, shape: [4], data: new Uint8Array(16) };
    const model = await open({ ...image, tensors: [...image.tensors, extra] });
    expect(codes(model)).toEqual(['TENSOR-UNREAD']);
    expect(model.tensors.at(-1)).toMatchObject({ name: 'extra', type: null, typeLabel: 'ggml-99', byteLength: null });
    const needed = changed('blk.0.attn_q.weight', () => ({ ggmlId: 99 }));
    const error = await refusal('E_TENSOR_TYPE', () => open(needed));
    expect(error.message).toContain('tensor "blk.0.attn_q.weight" is stored as ggml-99');
  });

  it('are refused when one that nobody reads would change the result', async () => {
    for (const name of [
      'blk.0.attn_output.bias',
      'blk.1.attn_q_norm.weight',
      'blk.0.ffn_gate_exps.weight',
      'output.bias',
      'output_norm.bias',
      'blk.0.attn_norm.bias',
      'blk.0.attn_q.scale',
      'blk.1.attn_gate.weight',
      'blk.0.exp_probs_b.bias',
      'token_types.weight',
    ]) {
      const image = tinyImage();
      const extra: Tensor = { name, type: 'f32', shape: [32], data: new Uint8Array(128) };
      const error = await refusal('E_MODEL_UNREAD_TENSOR', () =>
        open({ ...image, tensors: [...image.tensors, extra] }),
      );
      expect(error.message).toContain(name);
    }
  });

  it('are read within their tensor only', async () => {
    const { weights } = await open(tinyImage());
    await weights.read('output_norm.weight', 124, new Uint8Array(4));
    await refusal('E_TENSOR_RANGE', () => weights.read('output_norm.weight', 125, new Uint8Array(4)));
    await refusal('E_TENSOR_RANGE', () => weights.read('output_norm.weight', -4, new Uint8Array(4)));
    await refusal('E_MODEL_TENSOR_MISSING', () => weights.read('nothing', 0, new Uint8Array(4)));
    expect(weights.info('nothing')).toBeUndefined();
  });
});

describe('the embedding', () => {
  const embedding = 'token_embd.weight';
  /** Token 0 is an ordinary one here. */
  const ordinary: TinyModelOptions = {
    entries: {
      'tokenizer.ggml.token_type': ggufEntry(
        'tokenizer.ggml.token_type',
        'i32[]',
        Array.from({ length: 288 }, () => 1),
      ),
    },
  };
  const fill = (...of: Parameters<Float32Array['fill']>) => edited((values) => values.fill(...of));
  const filled = (...of: Parameters<Float32Array['fill']>) => changed(embedding, fill(...of));
  const zeroRow = fill(0, 0, 32);

  it('is refused when row 0 is all zeros, and transposition is named', async () => {
    const error = await refusal('E_EMBEDDING_ZERO', () => open(changed(embedding, zeroRow, ordinary)));
    expect(error.message).toContain(
      'row 0 of "token_embd.weight" is all zeros; a trained row is not; the matrix may be transposed',
    );
    await refusal('E_EMBEDDING_ZERO', () => open(filled(0)));
  });

  it('may have a row of zeros for a special token 0', async () => {
    expect(codes(await open(changed(embedding, zeroRow)))).toEqual(['EMBEDDING-ZERO-ROW']);
  });

  it('is warned about when constant or not finite', async () => {
    expect(codes(await open(filled(0.5)))).toEqual(['EMBEDDING-CONSTANT']);
    expect(codes(await open(filled(Number.NaN, 1, 2)))).toEqual(['EMBEDDING-NONFINITE']);
  });

  it('is warned about when it has more rows than the tokenizer, refused when it has fewer', async () => {
    const tokens = (count: number) => ({ entries: tokenizerOf(count) });
    expect(codes(await open(tinyImage(tokens(280))))).toEqual(['EMBEDDING-PADDED']);
    await refusal('E_EMBEDDING_ROWS', () => open(tinyImage(tokens(300))));
  });

  it('is warned about when its bytes are transposed under the right shape', async () => {
    // What training leaves behind: every channel with a mean of its own.
    const trained = edited((values) => {
      for (let i = 0; i < values.length; i += 1) values[i] = 0.1 * (values[i] ?? 0) + Math.sin(7 * (i % 32));
    });
    const healthy = changed(embedding, trained);
    expect(codes(await open(healthy))).toEqual([]);
    const transposed = edited((values, [rows = 0, columns = 0]) => {
      const source = values.slice();
      for (let i = 0; i < source.length; i += 1)
        values[(i % columns) * rows + Math.floor(i / columns)] = source[i] ?? 0;
    });
    const tensor = healthy.tensors[0];
    const broken = { ...healthy, tensors: [{ ...tensor!, ...transposed(tensor!) }, ...healthy.tensors.slice(1)] };
    expect(codes(await open(broken))).toEqual(['LAYOUT-BYTES-TRANSPOSED']);
  });
});

function tokenizerOf(count: number): NonNullable<TinyModelOptions['entries']> {
  const { entries } = tinyImage({ vocabSize: count });
  return Object.fromEntries(
    entries.filter(({ key }) => key.startsWith('tokenizer.ggml.')).map((entry) => [entry.key, entry]),
  );
}

describe('a transform', () => {
  it('changes config, program, weights and tokens on their way in', async () => {
    const seen: string[] = [];
    const model = await open(tinyImage(), {
      transform: {
        config: (config) => ({ ...config, rmsNormEps: 0.5 }),
        program: (program) => {
          seen.push(...program.ops.flatMap((op) => (op.op === 'rmsnorm' ? [`${op.eps}`] : [])));
          return { ...program, contextLength: 7 };
        },
        weights: (weights) => ({
          info: (name) => weights.info(name),
          read: async (_name, _byteOffset, into) => void into.fill(0x3f),
        }),
        tokens: (tokens) => [...tokens, 5],
      },
    });
    expect(model.config.rmsNormEps).toBe(0.5);
    expect(new Set(seen)).toEqual(new Set(['0.5']));
    expect(model.program.contextLength).toBe(7);
    expect(codes(model)).toEqual(['EMBEDDING-CONSTANT']);
    const plain = await open(tinyImage());
    const options = { parseSpecial: false, addBos: true };
    expect(model.text.encode('ab', options)).toEqual([...plain.text.encode('ab', options), 5]);
    expect(model.text.vocabSize).toBe(288);
    expect(model.text.tokenText(1)).toBe('<s>');
  });

  it('may forget a bias: the fault reaches the run', async () => {
    const model = await open(tinyImage({ architecture: 'qwen2' }), {
      transform: { config: (config) => ({ ...config, hasQkvBias: false }) },
    });
    expect(model.program.ops.some((op) => op.op === 'addBias')).toBe(false);
  });
});

const stories = fileURLToPath(new URL('../../../../shared/models/stories260K.gguf', import.meta.url));

describe.skipIf(!existsSync(stories))('stories260K', () => {
  it('opens without a warning', async () => {
    const model = await openModel(stories);
    expect(model.notices.filter(({ severity }) => severity === 'warning')).toEqual([]);
    expect(model.config).toMatchObject({
      layerCount: 5,
      modelDim: 64,
      ffnDim: 172,
      headCount: 8,
      kvHeadCount: 4,
      vocabSize: 512,
    });
    expect(await model.sha256()).toBe(await sha256Bytes(await readFile(stories)));
    await model.close();
  });
});
