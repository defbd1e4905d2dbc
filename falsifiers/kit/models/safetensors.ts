// Safetensors files read without the product: the trained model as its own trainer wrote it, what the bundled GGUF
// files are compared with, and the packs of the tiny models. Layout: header length u64 | JSON header | data; row-major.
import { readFile } from 'node:fs/promises';

export interface SafeTensor {
  shape: readonly number[];
  dtype: 'F16' | 'BF16' | 'F64';
  /** Little-endian. */
  bytes: Uint8Array;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Tensors by their name in the file. @throws Error for anything that is not float16, bfloat16 or float64 */
export async function readSafetensors(path: string): Promise<Map<string, SafeTensor>> {
  return parseSafetensorsFile(await readFile(path)).tensors;
}

export function parseSafetensorsFile(file: Buffer): {
  tensors: Map<string, SafeTensor>;
  metadata: Record<string, string>;
} {
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as {
    __metadata__?: Record<string, string>;
  };
  const tensors = new Map<string, SafeTensor>();
  const { __metadata__: metadata = {}, ...entries } = header;
  for (const [name, entry] of Object.entries<HeaderEntry>(entries)) {
    const { dtype, shape } = entry;
    if (dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F64') throw new Error(`${name} is ${dtype}`);
    const [start, end] = entry.data_offsets;
    tensors.set(name, { dtype, shape, bytes: file.subarray(8 + headerLength + start, 8 + headerLength + end) });
  }
  return { tensors, metadata };
}

const PARTS: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_gate_inp: 'mlp.gate',
};

/** Gemma has four norms in a layer, and calls the second one what others call the third. */
const GEMMA_PARTS: Readonly<Record<string, string>> = {
  ...PARTS,
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
};

/** The trainer's name of a tensor that a GGUF file calls `name` (`name[7]`: expert 7 of it), or undefined where it has none. */
export function trainerName(name: string, isGemma = false): string | undefined {
  if (name === 'token_embd.weight') return 'model.embed_tokens.weight';
  if (name === 'output_norm.weight') return 'model.norm.weight';
  if (name === 'output.weight') return 'lm_head.weight';
  const [, of, matrix, expert] = /^blk\.(\d+)\.ffn_(\w+)_exps\.weight\[(\d+)\]$/.exec(name) ?? [];
  if (expert !== undefined) return `model.layers.${of}.mlp.experts.${expert}.${matrix}_proj.weight`;
  const [, layer, part = '', kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const theirs = (isGemma ? GEMMA_PARTS : PARTS)[part];
  return theirs === undefined ? undefined : `model.layers.${layer}.${theirs}.${kind}`;
}

/** The values, exactly. */
export function valuesOf({ bytes, dtype }: SafeTensor): Float64Array {
  if (dtype === 'F64') return new Float64Array(new Uint8Array(bytes).buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === 'BF16') {
    // The upper half of a float32.
    const widened = Uint32Array.from({ length: bytes.byteLength / 2 }, (_, i) => view.getUint16(2 * i, true) << 16);
    return Float64Array.from(new Float32Array(widened.buffer));
  }
  return Float64Array.from({ length: bytes.byteLength / 2 }, (_, i) => view.getFloat16(2 * i, true));
}
