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
  /** `layer-3/attn_norm.bin`, `lm_head.bin`: unique within a capture. */
  path: string;
}

/** Takes every stage as begin, append…, end. Stages overlap; the pieces of one come in order. */
export interface StageSink<Data extends FloatArray = Float32Array> {
  begin(stage: CapturedStage): void | Promise<void>;
  /** @param data the next elements, row-major; not changed afterwards */
  append(stage: CapturedStage, data: Data): void | Promise<void>;
  end(stage: CapturedStage): void | Promise<void>;
}

export function stagePath(stage: Pick<CapturedStage, 'name' | 'layer'>): string {
  return stage.layer === null ? `${stage.name}.bin` : `layer-${stage.layer}/${stage.name}.bin`;
}

/** Keeps every stage whole, by path. */
export class MemorySink<Data extends FloatArray = Float32Array> implements StageSink<Data> {
  readonly stages: Map<string, CapturedStage & { data: Data }> = new Map();
  readonly #filled = new Map<string, number>();

  begin(stage: CapturedStage): void {
    this.stages.delete(stage.path);
    this.#filled.delete(stage.path);
  }

  append(stage: CapturedStage, data: Data): void {
    const done = this.#filled.get(stage.path) ?? 0;
    this.#whole(stage, data).set(data, done);
    this.#filled.set(stage.path, done + data.length);
  }

  end(): void {}

  /** Made with the first piece, which tells the precision. */
  #whole(stage: CapturedStage, like: Data): Data {
    const kept = this.stages.get(stage.path)?.data;
    if (kept !== undefined) return kept;
    const elementCount = stage.shape.reduce((product, extent) => product * extent, 1);
    const whole = floatsLike(like, elementCount);
    this.stages.set(stage.path, { ...stage, data: whole });
    return whole;
  }
}

/** Keeps statistics only, by path: a model's whole trace in a few kilobytes. */
export class StatisticsSink implements StageSink<FloatArray> {
  readonly stages: Map<string, CapturedStage & { statistics: TensorStatistics }> = new Map();
  readonly #builders = new Map<string, StatisticsBuilder>();

  begin(stage: CapturedStage): void {
    this.#builders.set(stage.path, new StatisticsBuilder());
  }

  append(stage: CapturedStage, data: FloatArray): void {
    this.#builders.get(stage.path)?.add(data);
  }

  end(stage: CapturedStage): void {
    const statistics = this.#builders.get(stage.path)?.finish();
    if (statistics !== undefined) this.stages.set(stage.path, { ...stage, statistics });
    this.#builders.delete(stage.path);
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
