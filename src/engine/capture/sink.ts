// Where captured stages go, and the two places in memory. The folder on disk is write-capture.ts.
import type { FloatArray } from '../program/executor.ts';
import { floatsLike } from './floats-like.ts';
import { StatisticsBuilder, type TensorStatistics } from './statistics.ts';

/** A stage as it is captured: which, and of what size in the end. */
export interface CapturedStage {
  name: string;
  /** null: of the whole model. */
  layer: number | null;
  /** [positions, channels]; attn_scores and attn_softmax: [heads, queries, keys]. */
  shape: readonly number[];
  /** `layer-3/attn_norm`, `lm_head`: unique within a capture. */
  id: string;
}

/** Takes every stage as begin, append…, end. Stages overlap; the pieces of one come in order. */
export interface StageSink<Data extends FloatArray = Float32Array> {
  begin(stage: CapturedStage): void | Promise<void>;
  /** @param data the next elements, row-major; not changed afterwards */
  append(stage: CapturedStage, data: Data): void | Promise<void>;
  end(stage: CapturedStage): void | Promise<void>;
}

/** Keeps every stage whole, by id. */
export class MemorySink<Data extends FloatArray = Float32Array> implements StageSink<Data> {
  readonly stages: Map<string, CapturedStage & { data: Data }> = new Map();
  readonly #filled = new Map<string, number>();

  begin(stage: CapturedStage): void {
    this.stages.delete(stage.id);
    this.#filled.delete(stage.id);
  }

  append(stage: CapturedStage, data: Data): void {
    const done = this.#filled.get(stage.id) ?? 0;
    this.#whole(stage, data).set(data, done);
    this.#filled.set(stage.id, done + data.length);
  }

  end(): void {}

  /** Made with the first piece, which tells the precision. */
  #whole(stage: CapturedStage, like: Data): Data {
    const kept = this.stages.get(stage.id)?.data;
    if (kept !== undefined) return kept;
    const elementCount = stage.shape.reduce((product, extent) => product * extent, 1);
    const whole = floatsLike(like, elementCount);
    this.stages.set(stage.id, { ...stage, data: whole });
    return whole;
  }
}

/** Keeps statistics only, by id: a model's whole trace in a few kilobytes. */
export class StatisticsSink implements StageSink<FloatArray> {
  readonly stages: Map<string, CapturedStage & { statistics: TensorStatistics }> = new Map();
  readonly #builders = new Map<string, StatisticsBuilder>();

  begin(stage: CapturedStage): void {
    this.#builders.set(stage.id, new StatisticsBuilder());
  }

  append(stage: CapturedStage, data: FloatArray): void {
    this.#builders.get(stage.id)?.add(data);
  }

  end(stage: CapturedStage): void {
    const statistics = this.#builders.get(stage.id)?.finish();
    if (statistics !== undefined) this.stages.set(stage.id, { ...stage, statistics });
    this.#builders.delete(stage.id);
  }
}

/** Sends every piece to each of the sinks, in order. */
export function teeSinks<Data extends FloatArray = Float32Array>(
  ...sinks: readonly StageSink<Data>[]
): StageSink<Data> {
  return {
    begin: async (stage) => {
      for (const sink of sinks) await sink.begin(stage);
    },
    append: async (stage, data) => {
      for (const sink of sinks) await sink.append(stage, data);
    },
    end: async (stage) => {
      for (const sink of sinks) await sink.end(stage);
    },
  };
}
