// Writes a Program down op by op while a compiler reads like a forward pass: each method appends one op, returns the
// value that it writes, and notes the weight that it reads. A value named like a stage is that stage. Knows no
// architecture.
import {
  ropeWeights,
  type AttentionOp,
  type Op,
  type Program,
  type RopeParameters,
  type Stage,
  type StageSource,
  type Value,
  type ValueId,
  type WeightName,
  type WeightShape,
} from './program.ts';
import { isStageName, stageRank, type StageName } from './stages.ts';

/** What the methods hand around: an id and the width that the next op needs. */
export type Built = Pick<Value, 'id' | 'channelCount'>;

export class ProgramBuilder {
  readonly #values: Value[] = [];
  readonly #ops: Op[] = [];
  readonly #stages: Stage[] = [];
  readonly #weights = new Map<WeightName, WeightShape>();
  /** Layer that the values now being written belong to. */
  #layer: number | null = null;

  /** Values written from here on are named `layer-<index>/…`; null: of the whole model. */
  inLayer(layer: number | null): void {
    this.#layer = layer;
  }

  embed(name: string, weight: WeightName, rowCount: number, channelCount: number): Built {
    const out = this.#value(name, channelCount);
    this.#read(weight, [rowCount, channelCount]);
    this.#ops.push({ op: 'embed', weight, out: out.id });
    return out;
  }

  /** @param of.headCount normalises each head by itself, with one gain for all */
  rmsnorm(
    name: string,
    input: Built,
    weight: WeightName,
    of: { eps: number; headCount?: number; gainOffset?: number },
  ): Built {
    const out = this.#value(name, input.channelCount);
    this.#read(weight, [input.channelCount / (of.headCount ?? 1)]);
    // An offset of 0 is left out: programs that mean the same are the same.
    const { gainOffset = 0, ...rest } = of;
    const offset = gainOffset === 0 ? {} : { gainOffset };
    this.#ops.push({ op: 'rmsnorm', in: input.id, weight, out: out.id, ...rest, ...offset });
    return out;
  }

  matmul(name: string, input: Built, weight: WeightName, channelCount: number): Built {
    const out = this.#value(name, channelCount);
    this.#read(weight, [channelCount, input.channelCount]);
    this.#ops.push({ op: 'matmul', in: input.id, weight, out: out.id });
    return out;
  }

  addBias(name: string, input: Built, weight: WeightName): Built {
    const out = this.#value(name, input.channelCount);
    this.#read(weight, [input.channelCount]);
    this.#ops.push({ op: 'addBias', in: input.id, weight, out: out.id });
    return out;
  }

  rope(name: string, input: Built, head: { headCount: number; headDim: number; rope: RopeParameters }): Built {
    const out = this.#value(name, input.channelCount);
    const { scaling, rotaryDim } = head.rope;
    for (const weight of ropeWeights(scaling)) this.#read(weight, [rotaryDim / 2]);
    this.#ops.push({ op: 'rope', in: input.id, out: out.id, ...head });
    return out;
  }

  attention(
    name: string,
    input: { q: Built; k: Built; v: Built },
    head: Pick<AttentionOp, 'layer' | 'headCount' | 'kvHeadCount' | 'headDim' | 'scale' | 'window' | 'softcap'>,
  ): { out: Built; op: AttentionOp } {
    const out = this.#value(name, input.q.channelCount);
    const op: AttentionOp = {
      op: 'attention',
      q: input.q.id,
      k: input.k.id,
      v: input.v.id,
      out: out.id,
      ...head,
    };
    this.#ops.push(op);
    return { out, op };
  }

  silu(name: string, input: Built): Built {
    const out = this.#value(name, input.channelCount);
    this.#ops.push({ op: 'silu', in: input.id, out: out.id });
    return out;
  }

  gelu(name: string, input: Built): Built {
    const out = this.#value(name, input.channelCount);
    this.#ops.push({ op: 'gelu', in: input.id, out: out.id });
    return out;
  }

  scale(name: string, input: Built, factor: number): Built {
    const out = this.#value(name, input.channelCount);
    this.#ops.push({ op: 'scale', in: input.id, factor, out: out.id });
    return out;
  }

  softcap(name: string, input: Built, cap: number): Built {
    const out = this.#value(name, input.channelCount);
    this.#ops.push({ op: 'softcap', in: input.id, cap, out: out.id });
    return out;
  }

  moeSelect(name: string, logits: Built, usedCount: number): Built {
    const out = this.#value(name, usedCount);
    this.#ops.push({ op: 'moeSelect', in: logits.id, usedCount, out: out.id });
    return out;
  }

  moeRoute(name: string, logits: Built, experts: Built, isRenormalised: boolean): Built {
    const out = this.#value(name, experts.channelCount);
    this.#ops.push({ op: 'moeRoute', in: logits.id, experts: experts.id, isRenormalised, out: out.id });
    return out;
  }

  /** @param rows of one expert's matrix */
  expertMatmul(
    name: string,
    input: Built,
    weight: WeightName,
    { experts, expertCount }: { experts: Built; expertCount: number },
    [rows, columns]: readonly [number, number],
  ): Built {
    const out = this.#value(name, experts.channelCount * rows);
    this.#read(weight, [expertCount, rows, columns]);
    this.#ops.push({ op: 'expertMatmul', in: input.id, experts: experts.id, weight, expertCount, out: out.id });
    return out;
  }

  moeSum(name: string, input: Built, shares: Built): Built {
    const out = this.#value(name, input.channelCount / shares.channelCount);
    this.#ops.push({ op: 'moeSum', in: input.id, shares: shares.id, out: out.id });
    return out;
  }

  mul(name: string, a: Built, b: Built): Built {
    const out = this.#value(name, a.channelCount);
    this.#ops.push({ op: 'mul', a: a.id, b: b.id, out: out.id });
    return out;
  }

  add(name: string, a: Built, b: Built): Built {
    const out = this.#value(name, a.channelCount);
    this.#ops.push({ op: 'add', a: a.id, b: b.id, out: out.id });
    return out;
  }

  /** A stage of the present layer that is not simply the value of its name. */
  stage(name: StageName, source: StageSource): void {
    this.#stages.push({ name, layer: this.#layer, source });
  }

  finish(of: Pick<Program, 'architecture' | 'layerCount' | 'vocabSize' | 'contextLength'>, logits: Built): Program {
    return {
      ...of,
      values: this.#values,
      ops: this.#ops,
      stages: this.#stages.toSorted(byCanonicalOrder),
      weights: [...this.#weights.values()],
      logits: logits.id,
    };
  }

  #value(name: string, channelCount: number): Value {
    const id: ValueId = this.#layer === null ? name : `layer-${this.#layer}/${name}`;
    const value: Value = { id, layer: this.#layer, channelCount };
    this.#values.push(value);
    if (isStageName(name)) this.stage(name, { from: 'value', value: id });
    return value;
  }

  #read(name: WeightName, shape: number[]): void {
    if (!this.#weights.has(name)) this.#weights.set(name, { name, shape });
  }
}

/** Layer by layer, then the whole-model stages; within each the order of STAGE_NAMES. */
function byCanonicalOrder(a: Stage, b: Stage): number {
  const [layerA, layerB] = [a.layer ?? Number.MAX_VALUE, b.layer ?? Number.MAX_VALUE];
  return layerA - layerB || stageRank(a.name) - stageRank(b.name);
}
