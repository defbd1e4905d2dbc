// A llama/qwen2 forward pass in double precision, written from the papers' formulas and not from the product: no
// Program, no executor, no shared decoding. Slow, clear, one position after the other, nothing cached.
// Stage names and shapes are those of DESIGN §4, all positions, row-major.
import { LAYOUTS, slowDecode, type StoredType } from './slow-decode.ts';
import { TINY_VOCAB_SIZE, type TinyModel } from './tiny-model.ts';

export interface SlowModel {
  layerCount: number;
  modelDim: number;
  ffnDim: number;
  headCount: number;
  kvHeadCount: number;
  headDim: number;
  vocabSize: number;
  rmsNormEps: number;
  ropeTheta: number;
  /** True: channel i turns with i + headDim/2 (Qwen2); false: 2i turns with 2i + 1 (Llama as GGUF stores it). */
  turnsHalves: boolean;
  slidingWindow: number | null;
  /** Row-major values by GGUF name; undefined where the model has no such tensor. */
  weight(name: string): Float64Array | undefined;
}

/** `embedding`, `layer-<N>/<stage>`, `final_norm`, `lm_head` to values. */
export type SlowStages = Map<string, Float64Array>;

/** Every stage of one pass over `tokens`. */
export function slowForward(model: SlowModel, tokens: readonly number[]): SlowStages {
  const stages: SlowStages = new Map();
  const { modelDim, headCount, kvHeadCount, headDim } = model;
  const embedding = demand(model, 'token_embd.weight');
  let hidden: Float64Array = new Float64Array(tokens.length * modelDim);
  for (const [p, token] of tokens.entries()) {
    hidden.set(embedding.subarray(token * modelDim, (token + 1) * modelDim), p * modelDim);
  }
  stages.set('layer-0/embedding', hidden);
  for (let layer = 0; layer < model.layerCount; layer++) {
    const keep = (stage: string, value: Float64Array): Float64Array => {
      stages.set(`layer-${layer}/${stage}`, value);
      return value;
    };
    const name = (part: string): string => `blk.${layer}.${part}`;
    const normed = keep('attn_norm', norm(model, hidden, name('attn_norm.weight')));
    const plain = ['attn_q', 'attn_k', 'attn_v'].map((part) =>
      multiply(model, normed, modelDim, name(`${part}.weight`)),
    );
    keep('qkv_matmul', joinRows(plain, tokens.length));
    const biases = ['attn_q', 'attn_k', 'attn_v'].map((part) => model.weight(name(`${part}.bias`)));
    const biased = plain.map((values, i) => addBias(values, biases[i]));
    if (biases.some((bias) => bias !== undefined)) keep('qkv_bias', joinRows(biased, tokens.length));
    const [q, k, v] = biased as [Float64Array, Float64Array, Float64Array];
    const turnedQ = keep('q_post_rope', turn(model, q, headCount));
    const turnedK = keep('k_post_rope', turn(model, k, kvHeadCount));
    keep('v', v);
    const attention = keep('attention', attend(model, turnedQ, turnedK, v, tokens.length));
    const attentionOut = keep('attn_out', multiply(model, attention, headCount * headDim, name('attn_output.weight')));
    hidden = keep('post_attn_residual', sum(hidden, attentionOut));
    const ffnNormed = keep('ffn_norm', norm(model, hidden, name('ffn_norm.weight')));
    const gate = keep('ffn_gate', multiply(model, ffnNormed, modelDim, name('ffn_gate.weight')));
    const up = keep('ffn_up', multiply(model, ffnNormed, modelDim, name('ffn_up.weight')));
    const activated = keep(
      'ffn_silu',
      gate.map((x) => x / (1 + Math.exp(-x))),
    );
    const gated = keep(
      'ffn_swigl',
      activated.map((x, i) => x * (up[i] ?? NaN)),
    );
    const ffnOut = keep('ffn_out', multiply(model, gated, model.ffnDim, name('ffn_down.weight')));
    hidden = keep('post_ffn_residual', sum(hidden, ffnOut));
  }
  const final = norm(model, hidden, 'output_norm.weight');
  stages.set('final_norm', final);
  const head = model.weight('output.weight') === undefined ? 'token_embd.weight' : 'output.weight';
  stages.set('lm_head', multiply(model, final, modelDim, head));
  return stages;
}

function demand(model: SlowModel, name: string): Float64Array {
  const values = model.weight(name);
  if (values === undefined) throw new Error(`the slow forward pass misses ${name}`);
  return values;
}

/** x / sqrt(mean(x²) + eps) · gain, per row. */
function norm(model: SlowModel, rows: Float64Array, name: string): Float64Array {
  const gain = demand(model, name);
  const out = new Float64Array(rows.length);
  for (let start = 0; start < rows.length; start += gain.length) {
    let squares = 0;
    for (let i = 0; i < gain.length; i++) squares += (rows[start + i] ?? NaN) ** 2;
    const scale = 1 / Math.sqrt(squares / gain.length + model.rmsNormEps);
    for (let i = 0; i < gain.length; i++) out[start + i] = (rows[start + i] ?? NaN) * scale * (gain[i] ?? NaN);
  }
  return out;
}

/** out[p, r] = Σ_c W[r, c] · x[p, c]. */
function multiply(model: SlowModel, x: Float64Array, columns: number, name: string): Float64Array {
  const weight = demand(model, name);
  const [positions, rows] = [x.length / columns, weight.length / columns];
  const out = new Float64Array(positions * rows);
  for (let p = 0; p < positions; p++) {
    for (let r = 0; r < rows; r++) {
      let total = 0;
      for (let c = 0; c < columns; c++) total += (weight[r * columns + c] ?? NaN) * (x[p * columns + c] ?? NaN);
      out[p * rows + r] = total;
    }
  }
  return out;
}

function addBias(rows: Float64Array, bias: Float64Array | undefined): Float64Array {
  return bias === undefined ? rows : rows.map((x, i) => x + (bias[i % bias.length] ?? NaN));
}

function sum(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(a, (x, i) => x + (b[i] ?? NaN));
}

function joinRows(parts: readonly Float64Array[], rowCount: number): Float64Array {
  const width = parts.reduce((total, part) => total + part.length / rowCount, 0);
  const out = new Float64Array(width * rowCount);
  for (let row = 0, at = 0; row < rowCount; row++) {
    for (const part of parts) {
      const columns = part.length / rowCount;
      out.set(part.subarray(row * columns, (row + 1) * columns), at);
      at += columns;
    }
  }
  return out;
}

/** Rotates pair i of every head by p · theta^(−2i/headDim). */
function turn(model: SlowModel, rows: Float64Array, headCount: number): Float64Array {
  const { headDim, ropeTheta, turnsHalves } = model;
  const out = new Float64Array(rows.length);
  for (let start = 0; start < rows.length; start += headDim) {
    const position = Math.floor(start / (headCount * headDim));
    for (let i = 0; i < headDim / 2; i++) {
      const angle = position * ropeTheta ** ((-2 * i) / headDim);
      const [a, b] = turnsHalves ? [start + i, start + i + headDim / 2] : [start + 2 * i, start + 2 * i + 1];
      const [x, y] = [rows[a] ?? NaN, rows[b] ?? NaN];
      out[a] = x * Math.cos(angle) - y * Math.sin(angle);
      out[b] = x * Math.sin(angle) + y * Math.cos(angle);
    }
  }
  return out;
}

/** Causal attention; query head h reads key-value head floor(h / group). */
function attend(model: SlowModel, q: Float64Array, k: Float64Array, v: Float64Array, positions: number): Float64Array {
  const { headCount, kvHeadCount, headDim, slidingWindow } = model;
  const out = new Float64Array(positions * headCount * headDim);
  for (let p = 0; p < positions; p++) {
    const first = slidingWindow === null ? 0 : Math.max(0, p - slidingWindow + 1);
    for (let h = 0; h < headCount; h++) {
      const kvHead = Math.floor(h / (headCount / kvHeadCount));
      const keyAt = (j: number): number => (j * kvHeadCount + kvHead) * headDim;
      const queryAt = (p * headCount + h) * headDim;
      const scores: number[] = [];
      for (let j = first; j <= p; j++) {
        let dot = 0;
        for (let d = 0; d < headDim; d++) dot += (q[queryAt + d] ?? NaN) * (k[keyAt(j) + d] ?? NaN);
        scores.push(dot / Math.sqrt(headDim));
      }
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      for (const [n, weight] of weights.entries()) {
        for (let d = 0; d < headDim; d++) {
          out[queryAt + d] = (out[queryAt + d] ?? NaN) + (weight / total) * (v[keyAt(first + n) + d] ?? NaN);
        }
      }
    }
  }
  return out;
}

/** The slow model of a generated one, decoded from the bytes that stand in its file. */
export function slowTinyModel(tiny: TinyModel): SlowModel {
  const typeOf = (typeId: number): StoredType => {
    const found = (Object.keys(LAYOUTS) as StoredType[]).find((type) => LAYOUTS[type].typeId === typeId);
    if (found === undefined) throw new Error(`no layout with the number ${typeId}`);
    return found;
  };
  const decoded = new Map<string, Float64Array>();
  const { shape } = tiny;
  return {
    ...shape,
    vocabSize: TINY_VOCAB_SIZE,
    turnsHalves: shape.architecture === 'qwen2',
    weight(name) {
      const tensor = tiny.tensors.find((candidate) => candidate.name === name);
      if (tensor !== undefined && !decoded.has(name)) {
        decoded.set(name, slowDecode(typeOf(tensor.typeId), tensor.bytes));
      }
      return decoded.get(name);
    },
  };
}

/** KL(reference ‖ other) in nats, of the softmaxes of two rows of logits, in double. NaN where either is not finite. */
export function klDivergence(reference: ArrayLike<number>, other: ArrayLike<number>): number {
  const [a, b] = [logSoftmax(reference), logSoftmax(other)];
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [a[i] ?? NaN, b[i] ?? NaN];
    total += Math.exp(p) * (p - q);
  }
  // Rounding can leave a sum of zeroes just below zero; a negative divergence does not exist.
  return Math.max(total, 0);
}

function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => (a > b ? a : b), -Infinity);
  const total = values.reduce((sumSoFar, x) => sumSoFar + Math.exp(x - largest), 0);
  return values.map((x) => x - largest - Math.log(total));
}
