// Weights that are rows of one stored matrix: the bytes are those of the rows, in any tensor type, and nothing that does
// not fit is read.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openModel, type Program } from '../../../src/engine/index.ts';
import { splitFusedRows } from '../../../src/engine/model/fused-rows.ts';
import type { FileTensor } from '../../../src/engine/model/model.ts';
import { byteLengthOf, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import type { WeightSource } from '../../../src/engine/program/executor.ts';
import { refusal } from '../../fixtures/refusal.ts';

const FUSED = { attn_qkv: ['attn_q', 'attn_k', 'attn_v'], ffn_up: ['ffn_gate', 'ffn_up'] };
const WANTED = { attn_q: 4, attn_k: 2, attn_v: 2, ffn_gate: 3, ffn_up: 3 };
const COLUMNS = 256;
const program = {
  weights: Object.entries(WANTED).map(([part, rows]) => ({ name: `blk.7.${part}.weight`, shape: [rows, COLUMNS] })),
} as unknown as Program;

/** Each byte says where it is. */
function fileOf(
  type: TensorTypeName,
  stored: Record<string, number>,
): { tensors: FileTensor[]; weights: WeightSource } {
  const tensors = Object.entries(stored).map(([part, rows], i) => ({
    name: `blk.7.${part}.weight`,
    type,
    typeLabel: type,
    shape: [rows, COLUMNS],
    elementCount: rows * COLUMNS,
    byteOffset: 1_000 * i,
    byteLength: byteLengthOf(type, rows * COLUMNS),
  }));
  const weights: WeightSource = {
    info(name) {
      const tensor = tensors.find((one) => one.name === name);
      return tensor === undefined ? undefined : { ...tensor };
    },
    read: (_, byteOffset, into) => {
      for (let i = 0; i < into.length; i += 1) into[i] = (byteOffset + i) % 251;
      return Promise.resolve();
    },
  };
  return { tensors, weights };
}

const part = (name: string): string => `blk.7.${name}.weight`;

describe('rows of a fused matrix', () => {
  it.each<TensorTypeName>(['f32', 'f16', 'bf16', 'q8_0', 'q5_0', 'q4_k', 'q6_k'])(
    'are its bytes, in %s',
    async (type) => {
      const file = fileOf(type, { attn_qkv: 8, ffn_up: 6 });
      const { tensors, weights } = splitFusedRows('m', program, file, FUSED);
      expect(tensors.map(({ name }) => name)).toEqual(program.weights.map(({ name }) => name));
      const rowBytes = byteLengthOf(type, COLUMNS);
      const firstRows = { attn_q: 0, attn_k: 4, attn_v: 6, ffn_gate: 0, ffn_up: 3 };
      for (const [name, first] of Object.entries(firstRows)) {
        const rows = WANTED[name as keyof typeof WANTED];
        const shape = [rows, COLUMNS];
        expect(weights.info(part(name))).toEqual({ name: part(name), type, shape, byteLength: rows * rowBytes });
        const into = new Uint8Array(7);
        await weights.read(part(name), rowBytes, into);
        expect([...into]).toEqual(Array.from({ length: 7 }, (_, i) => ((first + 1) * rowBytes + i) % 251));
      }
      expect(tensors[4]).toMatchObject({ storedName: part('ffn_up'), byteOffset: 1_000 + 3 * rowBytes });
    },
  );

  it('are left alone where the parts are there by themselves, or nothing is fused', () => {
    const plain = fileOf('f16', WANTED);
    expect(splitFusedRows('m', program, plain, FUSED)).toEqual(plain);
    const unknown = fileOf('f16', { attn_qkv: 8 });
    expect(splitFusedRows('m', program, unknown)).toEqual(unknown);
  });

  it('are refused where they do not add up, and past their end', async () => {
    const error = await refusal('E_MODEL_SHAPE', () =>
      splitFusedRows('m', program, fileOf('f16', { attn_qkv: 9 }), FUSED),
    );
    expect(error.message).toContain('[9, 256]');
    expect(error.message).toContain('[8, 256]');
    const { weights } = splitFusedRows('m', program, fileOf('f16', { attn_qkv: 8 }), FUSED);
    for (const byteOffset of [2 * 2 * COLUMNS - 6, -1, 0.5]) {
      await refusal('E_TENSOR_RANGE', () => weights.read(part('attn_k'), byteOffset, new Uint8Array(7)));
    }
  });
});

describe('a Phi-3 model', () => {
  it('has the weights of its file, under the names of the program', async () => {
    const folder = fileURLToPath(new URL('../../../models/tiny/phi3/hf', import.meta.url));
    const model = await openModel(folder);
    const file = await readFile(`${folder}/model.safetensors`);
    const names = model.tensors.filter(({ name }) => name.startsWith('blk.1.attn_')).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['blk.1.attn_q.weight', 'blk.1.attn_k.weight', 'blk.1.attn_v.weight']),
    );
    for (const { name, byteOffset, byteLength } of model.tensors) {
      const bytes = new Uint8Array(byteLength ?? 0);
      await model.weights.read(name, 0, bytes);
      expect(Buffer.compare(bytes, file.subarray(byteOffset, byteOffset + bytes.length)), name).toBe(0);
    }
    await model.close();
  });
});
