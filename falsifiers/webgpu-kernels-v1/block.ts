// A block of a decoder as a program of its own: attention and a gated feed-forward, of any shape and of any stored types. Between them
// its ops reach every kernel that is not about experts, alone and fused.
import type { TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { Built } from '../../src/engine/program/program-builder.ts';
import type { RopeParameters } from '../../src/engine/program/program.ts';
import { smallProgram, type Made, type Rows } from './small-program.ts';

export interface BlockShape {
  /** Of most matrices, and of those that make keys and values. */
  type: TensorTypeName;
  kvType: TensorTypeName;
  ffnDim: number;
  headCount: number;
  kvHeadCount: number;
  headDim: number;
  hasBias: boolean;
  hasHeadNorms: boolean;
  /** Norms of what is added. */
  hasPostNorms: boolean;
  gainOffset: number;
  activation: 'silu' | 'gelu';
  window: number | null;
  softcap: number | null;
  rope: RopeParameters | null;
  seed: number;
  /** Whether what comes out are the logits; it has as many channels as there are tokens then. */
  isShown: boolean;
}

export const PLAIN_BLOCK: Omit<BlockShape, 'type' | 'kvType' | 'seed'> = {
  ffnDim: 8,
  headCount: 2,
  kvHeadCount: 1,
  headDim: 4,
  hasBias: false,
  hasHeadNorms: false,
  hasPostNorms: false,
  gainOffset: 0,
  activation: 'silu',
  window: null,
  softcap: null,
  rope: null,
  isShown: false,
};

const EPS = 1e-5;

export function blockProgram(shape: BlockShape, rows: Rows): Made {
  const { type, kvType, headCount, kvHeadCount, headDim, ffnDim, window, softcap, rope, isShown, seed } = shape;
  const { channels } = rows;
  const positions = isShown ? channels : rows.values.length / channels;
  const typeOf = (name: string): TensorTypeName => (name === 'k' || name === 'v' ? kvType : type);
  return smallProgram({ positions, seed, typeOf }, ({ builder: b, input }) => {
    const norm = { eps: EPS, gainOffset: shape.gainOffset };
    const x = input('input', rows);
    const normed = b.rmsnorm('attn_norm', x, 'attn_norm', norm);
    const projected = (part: 'q' | 'k' | 'v', heads: number): Built => {
      const product = b.matmul(`${part}_matmul`, normed, part, heads * headDim);
      const biased = shape.hasBias ? b.addBias(`${part}_bias`, product, `${part}_bias`) : product;
      if (part === 'v') return biased;
      const ofHeads = { ...norm, headCount: heads };
      const own = shape.hasHeadNorms ? b.rmsnorm(`${part}_norm`, biased, `${part}_norm`, ofHeads) : biased;
      return rope === null ? own : b.rope(`${part}_post_rope`, own, { headCount: heads, headDim, rope });
    };
    const [q, k, v] = [projected('q', headCount), projected('k', kvHeadCount), projected('v', kvHeadCount)];
    const head = { headCount, kvHeadCount, headDim, scale: 1 / Math.sqrt(headDim), window };
    const mixed = b.attention('attention', { q, k, v }, softcap === null ? head : { ...head, softcap }).out;
    const added = (before: Built, part: Built, where: 'attn' | 'ffn'): Built => {
      const own = shape.hasPostNorms ? b.rmsnorm(`${where}_post_norm`, part, `${where}_post_norm`, norm) : part;
      return b.add(`post_${where}_residual`, before, own);
    };
    const middle = added(x, b.matmul('attn_out', mixed, 'attn_out', channels), 'attn');
    const inside = b.rmsnorm('ffn_norm', middle, 'ffn_norm', norm);
    const gate = b.matmul('ffn_gate', inside, 'gate', ffnDim);
    const up = b.matmul('ffn_up', inside, 'up', ffnDim);
    const activated = shape.activation === 'silu' ? b.silu('ffn_silu', gate) : b.gelu('ffn_gelu', gate);
    const out = added(middle, b.matmul('ffn_out', b.mul('ffn_swigl', activated, up), 'down', channels), 'ffn');
    // Further from the product than what the head of a model is treated apart for.
    return isShown ? b.scale('lm_head', b.scale('lm_head_uncapped', out, 1), 1) : null;
  });
}
