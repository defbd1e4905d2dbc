// Writes a Program down op by op while a compiler reads like a forward pass: each method appends one op, returns the
// value that it writes, and notes the weight that it reads. A value named like a stage is that stage. A builder writes
// for the whole model or for one layer of it, from first to last. Knows no architecture.
import { ropeWeights } from './program.ts';
import type { AttentionOp, Op, Program, RopeParameters, Stage, StageSource, Value, ValueId } from './program.ts';
import type { WeightName, WeightShape } from './program.ts';
import { inOrder, isStageName, stageId, type StageName, type ValueName } from './stages.ts';

/** What the methods hand around: an id and the width that the next op needs. */
export type Built = Pick<Value, 'id' | 'channelCount'>;

/** What all builders of one program write into. */
interface Draft {
  values: Value[];
  ops: Op[];
  stages: Stage[];
  weights: Map<WeightName, WeightShape>;
}

export class ProgramBuilder {
  readonly #draft: Draft;
  readonly #layer: number | null;

  constructor(draft: Draft = { values: [], ops: [], stages: [], weights: new Map() }, layer: number | null = null) {
    this.#draft = draft;
    this.#layer = layer;
  }

  /** Appends to the same program; its values are named `layer-<index>/…`. */
  inLayer(layer: number): ProgramBuilder {
    return new ProgramBuilder(this.#draft, layer);
  }

  /** @throws RangeError outside of a layer */
  get layer(): number {
    if (this.#layer === null) throw new RangeError('this builder writes for the whole model');
    return this.#layer;
  }

  /** A weight of the layer, by its GGUF name. */
  weight(part: string, kind: 'weight' | 'bias' = 'weight'): WeightName {
    return `blk.${this.layer}.${part}.${kind}`;
  }

  embed(name: ValueName, weight: WeightName, rowCount: number, channelCount: number): Built {
    const out = this.#value(name, channelCount);
    this.#read(weight, [rowCount, channelCount]);
    this.#draft.ops.push({ op: 'embed', weight, out: out.id });
    return out;
  }

  /** @param of.headCount normalises each head by itself, with one gain for all */
  rmsnorm(
    name: ValueName,
    input: Built,
    weight: WeightName,
    of: { eps: number; headCount?: number; gainOffset?: number },
  ): Built {
    const out = this.#value(name, input.channelCount);
    this.#read(weight, [input.channelCount / (of.headCount ?? 1)]);
    // An offset of 0 is left out: programs that mean the same are the same.
    const { gainOffset = 0, ...rest } = of;
    const offset = gainOffset === 0 ? {} : { gainOffset };
    this.#draft.ops.push({ op: 'rmsnorm', in: input.id, weight, out: out.id, ...rest, ...offset });
    return out;
  }

  matmul(name: ValueName, input: Built, weight: WeightName, channelCount: number): Built {
    const out = this.#value(name, channelCount);
    this.#read(weight, [channelCount, input.channelCount]);
    this.#draft.ops.push({ op: 'matmul', in: input.id, weight, out: out.id });
    return out;
  }

  addBias(name: ValueName, input: Built, weight: WeightName): Built {
    const out = this.#value(name, input.channelCount);
    this.#read(weight, [input.channelCount]);
    this.#draft.ops.push({ op: 'addBias', in: input.id, weight, out: out.id });
    return out;
  }

  rope(name: ValueName, input: Built, head: { headCount: number; headDim: number; rope: RopeParameters }): Built {
    const out = this.#value(name, input.channelCount);
    const { scaling, rotaryDim } = head.rope;
    for (const weight of ropeWeights(scaling)) this.#read(weight, [rotaryDim / 2]);
    this.#draft.ops.push({ op: 'rope', in: input.id, out: out.id, ...head });
    return out;
  }

  attention(
    name: ValueName,
    input: { q: Built; k: Built; v: Built },
    head: Pick<AttentionOp, 'headCount' | 'kvHeadCount' | 'headDim' | 'scale' | 'window' | 'softcap'>,
  ): { out: Built; op: AttentionOp } {
    const out = this.#value(name, input.q.channelCount);
    const op: AttentionOp = {
      op: 'attention',
      q: input.q.id,
      k: input.k.id,
      v: input.v.id,
      out: out.id,
      layer: this.layer,
      ...head,
    };
    this.#draft.ops.push(op);
    return { out, op };
  }

  silu(name: ValueName, input: Built): Built {
    const out = this.#value(name, input.channelCount);
    this.#draft.ops.push({ op: 'silu', in: input.id, out: out.id });
    return out;
  }

  gelu(name: ValueName, input: Built): Built {
    const out = this.#value(name, input.channelCount);
    this.#draft.ops.push({ op: 'gelu', in: input.id, out: out.id });
    return out;
  }

  scale(name: ValueName, input: Built, factor: number): Built {
    const out = this.#value(name, input.channelCount);
    this.#draft.ops.push({ op: 'scale', in: input.id, factor, out: out.id });
    return out;
  }

  softcap(name: ValueName, input: Built, cap: number): Built {
    const out = this.#value(name, input.channelCount);
    this.#draft.ops.push({ op: 'softcap', in: input.id, cap, out: out.id });
    return out;
  }

  moeSelect(name: ValueName, logits: Built, usedCount: number): Built {
    const out = this.#value(name, usedCount);
    this.#draft.ops.push({ op: 'moeSelect', in: logits.id, usedCount, out: out.id });
    return out;
  }

  moeRoute(name: ValueName, logits: Built, experts: Built, isRenormalised: boolean): Built {
    const out = this.#value(name, experts.channelCount);
    this.#draft.ops.push({ op: 'moeRoute', in: logits.id, experts: experts.id, isRenormalised, out: out.id });
    return out;
  }

  /** @param rows of one expert's matrix */
  expertMatmul(
    name: ValueName,
    input: Built,
    weight: WeightName,
    { experts, expertCount }: { experts: Built; expertCount: number },
    [rows, columns]: readonly [number, number],
  ): Built {
    const out = this.#value(name, experts.channelCount * rows);
    this.#read(weight, [expertCount, rows, columns]);
    this.#draft.ops.push({ op: 'expertMatmul', in: input.id, experts: experts.id, weight, expertCount, out: out.id });
    return out;
  }

  moeSum(name: ValueName, input: Built, shares: Built): Built {
    const out = this.#value(name, input.channelCount / shares.channelCount);
    this.#draft.ops.push({ op: 'moeSum', in: input.id, shares: shares.id, out: out.id });
    return out;
  }

  mul(name: ValueName, a: Built, b: Built): Built {
    const out = this.#value(name, a.channelCount);
    this.#draft.ops.push({ op: 'mul', a: a.id, b: b.id, out: out.id });
    return out;
  }

  add(name: ValueName, a: Built, b: Built): Built {
    const out = this.#value(name, a.channelCount);
    this.#draft.ops.push({ op: 'add', a: a.id, b: b.id, out: out.id });
    return out;
  }

  /** A stage that is not simply the value of its name. */
  stage(name: StageName, source: StageSource): void {
    this.#draft.stages.push({ name, layer: this.#layer, source });
  }

  finish(of: Pick<Program, 'architecture' | 'layerCount' | 'vocabSize' | 'contextLength'>, logits: Built): Program {
    return {
      ...of,
      values: this.#draft.values,
      ops: this.#draft.ops,
      stages: this.#draft.stages.toSorted(inOrder),
      weights: [...this.#draft.weights.values()],
      logits: logits.id,
    };
  }

  #value(name: ValueName, channelCount: number): Value {
    const id: ValueId = stageId({ name, layer: this.#layer });
    const value: Value = { id, layer: this.#layer, channelCount };
    this.#draft.values.push(value);
    if (isStageName(name)) this.stage(name, { from: 'value', value: id });
    return value;
  }

  #read(name: WeightName, shape: number[]): void {
    if (!this.#draft.weights.has(name)) this.#draft.weights.set(name, { name, shape });
  }
}
