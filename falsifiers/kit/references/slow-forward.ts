// A decoder's forward pass in double precision, written from the papers' formulas and not from the product: no Program,
// no executor, no shared decoding. Slow, clear, one position after the other, nothing cached. Llama and Qwen2 as they
// stand; what Qwen3, its experts, Gemma and Phi-3 add is in `SlowExtras` and in which tensors there are.
// Stage names and shapes are those of DESIGN §4, all positions, row-major.
import type { SeededRandom } from '../arbitraries/random.ts';

/** Absent: as in Llama. */
interface SlowExtras {
  /** Angle per position of pair i in a text of that many positions; theta^(−2i/headDim) unless given. */
  frequency?: (i: number, positionCount: number, layer: number) => number;
  /** Channels of a head that turn, from its first; all unless given. */
  turnedWidth?: number;
  /** Of what is rotated; 1 unless given. */
  rotationFactor?: number;
  /** `slidingWindow` in every layer unless given. */
  windowOf?: (layer: number) => number | null;
  /** 1/√headDim unless given. */
  attentionScale?: number;
  attentionSoftcap?: number | null;
  logitSoftcap?: number | null;
  embeddingScale?: number;
  /** Added to every gain. */
  normOffset?: number;
  usesGelu?: boolean;
  experts?: { usedCount: number; isRenormalised: boolean } | null;
}

export interface SlowModel extends SlowExtras {
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
  /** What an activation is rounded to before it is multiplied with a weight; left as it is unless given. */
  activation?: (value: number) => number;
}

/** `layer-<N>/<stage>`, `final_norm`, `lm_head` to values: [position, channel], scores and softmax [head, query, key]. */
export type SlowStages = Map<string, Float64Array>;

/**
 * What a float32 implementation may do to a value: `magnitude` is what the value was summed from (Σ|w||x| of a product),
 * and one unit roundoff of that, up or down, is added. Absent: exact.
 */
export type Noise = (value: number, magnitude: number) => number;

export const FLOAT32_UNIT: number = 2 ** -24;

/** One unit roundoff, up or down at random, at every stored value: the least that float32 arithmetic does. */
export function float32Noise(random: SeededRandom): Noise {
  return (value, magnitude) => value + (random.below(2) === 0 ? -1 : 1) * FLOAT32_UNIT * magnitude;
}

const exact: Noise = (value) => value;

/** Every stage of one pass over `tokens`. */
export function slowForward(model: SlowModel, tokens: readonly number[], noise: Noise = exact): SlowStages {
  return new SlowPass(model, tokens, noise).run();
}

/** Every stage of one layer, from what goes into it. @param hidden [tokens, modelDim] */
export function slowLayer(
  model: SlowModel,
  tokens: readonly number[],
  layer: number,
  hidden: Float64Array,
): SlowStages {
  return new SlowPass(model, tokens, exact).runLayer(layer, hidden);
}

class SlowPass {
  readonly #model: SlowModel;
  readonly #tokens: readonly number[];
  readonly #noise: Noise;
  readonly #stages: SlowStages = new Map();

  constructor(model: SlowModel, tokens: readonly number[], noise: Noise) {
    this.#model = model;
    this.#tokens = tokens;
    this.#noise = noise;
  }

  run(): SlowStages {
    const { modelDim, layerCount } = this.#model;
    const embedding = this.#weight('token_embd.weight');
    let hidden: Float64Array = new Float64Array(this.#tokens.length * modelDim);
    for (const [p, token] of this.#tokens.entries()) {
      hidden.set(embedding.subarray(token * modelDim, (token + 1) * modelDim), p * modelDim);
    }
    const { embeddingScale = 1, logitSoftcap = null } = this.#model;
    if (embeddingScale !== 1) hidden = hidden.map((x) => this.#rounded(x * embeddingScale));
    this.#stages.set('layer-0/embedding', hidden);
    for (let layer = 0; layer < layerCount; layer++) hidden = this.#layer(layer, hidden);
    const final = this.#norm(hidden, 'output_norm.weight');
    this.#stages.set('final_norm', final);
    const head = this.#model.weight('output.weight') === undefined ? 'token_embd.weight' : 'output.weight';
    const logits = this.#multiply(final, modelDim, head);
    if (logitSoftcap !== null) this.#stages.set('lm_head_uncapped', logits);
    this.#stages.set('lm_head', logitSoftcap === null ? logits : this.#capped(logits, logitSoftcap));
    return this.#stages;
  }

  runLayer(layer: number, hidden: Float64Array): SlowStages {
    this.#layer(layer, hidden);
    return this.#stages;
  }

  #layer(layer: number, hidden: Float64Array): Float64Array {
    return this.#feedForward(layer, this.#selfAttention(layer, hidden));
  }

  #keep(layer: number, stage: string, value: Float64Array): Float64Array {
    this.#stages.set(`layer-${layer}/${stage}`, value);
    return value;
  }

  #selfAttention(layer: number, hidden: Float64Array): Float64Array {
    const { modelDim, headCount, kvHeadCount, headDim } = this.#model;
    const rowCount = this.#tokens.length;
    const name = (part: string): string => `blk.${layer}.${part}`;
    const normed = this.#keep(layer, 'attn_norm', this.#norm(hidden, name('attn_norm.weight')));
    const parts = ['attn_q', 'attn_k', 'attn_v'];
    const plain = parts.map((part) => this.#multiply(normed, modelDim, name(`${part}.weight`)));
    this.#keep(layer, 'qkv_matmul', joinRows(plain, rowCount));
    const biases = parts.map((part) => this.#model.weight(name(`${part}.bias`)));
    const biased = plain.map((values, i) => this.#addBias(values, biases[i]));
    if (biases.some((bias) => bias !== undefined)) this.#keep(layer, 'qkv_bias', joinRows(biased, rowCount));
    const [q, k, v] = biased as [Float64Array, Float64Array, Float64Array];
    this.#keep(layer, 'v', v);
    const [evenQ, evenK] = [this.#headNorm(layer, 'q', q), this.#headNorm(layer, 'k', k)];
    const turnedQ = this.#keep(layer, 'q_post_rope', this.#turn(evenQ, headCount, layer));
    const turnedK = this.#keep(layer, 'k_post_rope', this.#turn(evenK, kvHeadCount, layer));
    const attention = this.#keep(layer, 'attention', this.#attend(layer, turnedQ, turnedK, v));
    const out = this.#keep(
      layer,
      'attn_out',
      this.#multiply(attention, headCount * headDim, name('attn_output.weight')),
    );
    const added = this.#postNorm(layer, 'attn_post_norm', out, name('post_attention_norm.weight'));
    return this.#keep(
      layer,
      'post_attn_residual',
      this.#combine(hidden, added, (a, b) => a + b),
    );
  }

  /** Per head, where there is a gain for it. */
  #headNorm(layer: number, part: 'q' | 'k', rows: Float64Array): Float64Array {
    const name = `blk.${layer}.attn_${part}_norm.weight`;
    return this.#model.weight(name) === undefined ? rows : this.#keep(layer, `${part}_norm`, this.#norm(rows, name));
  }

  /** Gemma normalises what it adds. */
  #postNorm(layer: number, stage: string, rows: Float64Array, name: string): Float64Array {
    return this.#model.weight(name) === undefined ? rows : this.#keep(layer, stage, this.#norm(rows, name));
  }

  #feedForward(layer: number, hidden: Float64Array): Float64Array {
    const { modelDim, ffnDim, usesGelu = false, experts = null } = this.#model;
    const name = (part: string): string => `blk.${layer}.${part}.weight`;
    const normed = this.#keep(layer, 'ffn_norm', this.#norm(hidden, name('ffn_norm')));
    if (experts !== null) {
      const mixed = this.#keep(layer, 'moe_ffn_out', this.#mixExperts(layer, normed, experts));
      return this.#keep(
        layer,
        'post_ffn_residual',
        this.#combine(hidden, mixed, (a, b) => a + b),
      );
    }
    const gate = this.#keep(layer, 'ffn_gate', this.#multiply(normed, modelDim, name('ffn_gate')));
    const up = this.#keep(layer, 'ffn_up', this.#multiply(normed, modelDim, name('ffn_up')));
    const silu = gate.map((x) => this.#rounded(usesGelu ? gelu(x) : x / (1 + Math.exp(-x))));
    this.#keep(layer, usesGelu ? 'ffn_gelu' : 'ffn_silu', silu);
    const gated = this.#keep(
      layer,
      'ffn_swigl',
      this.#combine(silu, up, (a, b) => a * b),
    );
    const out = this.#keep(layer, 'ffn_out', this.#multiply(gated, ffnDim, name('ffn_down')));
    const added = this.#postNorm(layer, 'ffn_post_norm', out, name('post_ffw_norm'));
    return this.#keep(
      layer,
      'post_ffn_residual',
      this.#combine(hidden, added, (a, b) => a + b),
    );
  }

  /** Per position: Σ over the most likely experts of share · W_down · (silu(W_gate · x) ⊙ (W_up · x)). */
  #mixExperts(layer: number, rows: Float64Array, of: { usedCount: number; isRenormalised: boolean }): Float64Array {
    const { modelDim } = this.#model;
    const name = (part: string): string => `blk.${layer}.${part}.weight`;
    const logits = this.#keep(layer, 'moe_logits', this.#multiply(rows, modelDim, name('ffn_gate_inp')));
    const positions = this.#tokens.length;
    const expertCount = logits.length / positions;
    const shares = new Float64Array(positions * of.usedCount);
    const chosen = new Float64Array(positions * of.usedCount);
    const out = new Float64Array(rows.length);
    const magnitudes = new Float64Array(rows.length);
    for (let p = 0; p < positions; p++) {
      const own = [...logits.subarray(p * expertCount, (p + 1) * expertCount)];
      const powers = own.map((logit) => Math.exp(logit - Math.max(...own)));
      const total = powers.reduce((a, b) => a + b, 0);
      const ranked = own.map((_, id) => id).toSorted((a, b) => (own[b] ?? NaN) - (own[a] ?? NaN));
      const top = ranked.slice(0, of.usedCount);
      const sum = of.isRenormalised ? top.reduce((all, id) => all + (powers[id] ?? NaN), 0) : total;
      const x = rows.slice(p * modelDim, (p + 1) * modelDim);
      for (const [slot, id] of top.entries()) {
        const share = this.#rounded((powers[id] ?? NaN) / sum);
        shares[p * of.usedCount + slot] = share;
        chosen[p * of.usedCount + slot] = id;
        const gate = this.#multiply(x, modelDim, `${name('ffn_gate_exps')}[${id}]`);
        const up = this.#multiply(x, modelDim, `${name('ffn_up_exps')}[${id}]`);
        const silu = gate.map((value) => this.#rounded(value / (1 + Math.exp(-value))));
        const gated = this.#combine(silu, up, (a, b) => a * b);
        const answer = this.#multiply(gated, gated.length, `${name('ffn_down_exps')}[${id}]`);
        for (const [c, value] of answer.entries()) {
          out[p * modelDim + c] = (out[p * modelDim + c] ?? NaN) + share * value;
          magnitudes[p * modelDim + c] = (magnitudes[p * modelDim + c] ?? NaN) + Math.abs(share * value);
        }
      }
    }
    this.#keep(layer, 'moe_router', shares);
    this.#keep(layer, 'moe_router_indices', chosen);
    return out.map((value, i) => this.#noise(value, magnitudes[i] ?? NaN));
  }

  /** cap · tanh(x / cap). */
  #capped(values: Float64Array, cap: number): Float64Array {
    return values.map((x) => this.#rounded(cap * Math.tanh(x / cap)));
  }

  #weight(name: string): Float64Array {
    const values = this.#model.weight(name);
    if (values === undefined) throw new Error(`the slow forward pass misses ${name}`);
    return values;
  }

  #rounded(value: number): number {
    return this.#noise(value, Math.abs(value));
  }

  /** x / sqrt(mean(x²) + eps) · gain, per row. */
  #norm(rows: Float64Array, name: string): Float64Array {
    const gain = this.#weight(name);
    const out = new Float64Array(rows.length);
    for (let start = 0; start < rows.length; start += gain.length) {
      let squares = 0;
      for (let i = 0; i < gain.length; i++) squares += (rows[start + i] ?? NaN) ** 2;
      const scale = 1 / Math.sqrt(squares / gain.length + this.#model.rmsNormEps);
      for (let i = 0; i < gain.length; i++) {
        const factor = (gain[i] ?? NaN) + (this.#model.normOffset ?? 0);
        out[start + i] = this.#rounded((rows[start + i] ?? NaN) * scale * factor);
      }
    }
    return out;
  }

  /** out[p, r] = Σ_c W[r, c] · x[p, c]. */
  #multiply(x: Float64Array, columns: number, name: string): Float64Array {
    const weight = this.#weight(name);
    const input = this.#model.activation === undefined ? x : x.map(this.#model.activation);
    const [positions, rows] = [x.length / columns, weight.length / columns];
    const out = new Float64Array(positions * rows);
    for (let p = 0; p < positions; p++) {
      for (let r = 0; r < rows; r++) {
        let total = 0;
        let magnitude = 0;
        for (let c = 0; c < columns; c++) {
          const product = (weight[r * columns + c] ?? NaN) * (input[p * columns + c] ?? NaN);
          total += product;
          magnitude += Math.abs(product);
        }
        out[p * rows + r] = this.#noise(total, magnitude);
      }
    }
    return out;
  }

  #addBias(rows: Float64Array, bias: Float64Array | undefined): Float64Array {
    return bias === undefined ? rows : rows.map((x, i) => this.#rounded(x + (bias[i % bias.length] ?? NaN)));
  }

  #combine(a: Float64Array, b: Float64Array, of: (x: number, y: number) => number): Float64Array {
    return a.map((x, i) => this.#rounded(of(x, b[i] ?? NaN)));
  }

  /** Rotates pair i of every head by p · theta^(−2i/headDim). */
  #turn(rows: Float64Array, headCount: number, layer: number): Float64Array {
    const { headDim, ropeTheta, turnsHalves, rotationFactor: m = 1 } = this.#model;
    const { turnedWidth: width = headDim } = this.#model;
    const frequency = this.#model.frequency ?? ((i: number) => ropeTheta ** ((-2 * i) / headDim));
    const out = rows.slice();
    for (let start = 0; start < rows.length; start += headDim) {
      const position = Math.floor(start / (headCount * headDim));
      for (let i = 0; i < width / 2; i++) {
        const angle = position * frequency(i, this.#tokens.length, layer);
        const [a, b] = turnsHalves ? [start + i, start + i + width / 2] : [start + 2 * i, start + 2 * i + 1];
        const [x, y] = [rows[a] ?? NaN, rows[b] ?? NaN];
        const size = m * Math.hypot(x, y);
        out[a] = this.#noise(m * (x * Math.cos(angle) - y * Math.sin(angle)), size);
        out[b] = this.#noise(m * (x * Math.sin(angle) + y * Math.cos(angle)), size);
      }
    }
    return out;
  }

  /** Causal attention; query head h reads key-value head floor(h / group). */
  #attend(layer: number, q: Float64Array, k: Float64Array, v: Float64Array): Float64Array {
    const { headCount, kvHeadCount, headDim, slidingWindow, attentionSoftcap: cap = null } = this.#model;
    const window = this.#model.windowOf?.(layer) ?? (this.#model.windowOf === undefined ? slidingWindow : null);
    const scale = this.#model.attentionScale ?? 1 / Math.sqrt(headDim);
    const positions = this.#tokens.length;
    const out = new Float64Array(positions * headCount * headDim);
    const scores = new Float64Array(headCount * positions * positions);
    const softmax = new Float64Array(headCount * positions * positions);
    for (let p = 0; p < positions; p++) {
      const first = window === null ? 0 : Math.max(0, p - window + 1);
      for (let h = 0; h < headCount; h++) {
        const kvHead = Math.floor(h / (headCount / kvHeadCount));
        const keyAt = (j: number): number => (j * kvHeadCount + kvHead) * headDim;
        const queryAt = (p * headCount + h) * headDim;
        const row = (h * positions + p) * positions;
        for (let j = first; j <= p; j++) {
          let [dot, magnitude] = [0, 0];
          for (let d = 0; d < headDim; d++) {
            const product = (q[queryAt + d] ?? NaN) * (k[keyAt(j) + d] ?? NaN);
            dot += product;
            magnitude += Math.abs(product);
          }
          const score = this.#noise(dot * scale, magnitude * scale);
          scores[row + j] = cap === null ? score : this.#rounded(cap * Math.tanh(score / cap));
        }
        const seen = scores.subarray(row + first, row + p + 1);
        const largest = Math.max(...seen);
        const weights = seen.map((score) => Math.exp(score - largest));
        const total = weights.reduce((a, b) => a + b, 0);
        softmax.set(
          weights.map((weight) => this.#rounded(weight / total)),
          row + first,
        );
        for (let d = 0; d < headDim; d++) {
          let [mixed, magnitude] = [0, 0];
          for (let j = first; j <= p; j++) {
            const product = (softmax[row + j] ?? NaN) * (v[keyAt(j) + d] ?? NaN);
            mixed += product;
            magnitude += Math.abs(product);
          }
          out[queryAt + d] = this.#noise(mixed, magnitude);
        }
      }
    }
    this.#keep(layer, 'attn_scores', scores);
    this.#keep(layer, 'attn_softmax', softmax);
    return out;
  }
}

/** x · Φ(x) by its tanh form. */
function gelu(x: number): number {
  const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
  return x / (1 + Math.exp(-2 * u));
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
