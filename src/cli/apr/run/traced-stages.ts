// `apr run --trace`: what every stage held in the prompt's run and in the first decode steps of the very same
// generation, as statistics and first values. `apr trace` writes whole tensors.
import { parseLayers, parseStages, selectStages, StageCollector, StatisticsSink } from '../../../engine/index.ts';
import { teeSinks } from '../../../engine/index.ts';
import type { CapturedStage, FloatArray, Positions, Program, Stage, StageSink, Tap } from '../../../engine/index.ts';
import type { TensorStatistics } from '../../../engine/index.ts';
import { usage } from '../prompt.ts';

export interface TraceFlags {
  trace?: true;
  traceSteps?: number;
  stages?: string;
  layers?: string;
  positions?: string;
}

interface TracedStage {
  name: string;
  /** null: of the whole model. */
  layer: number | null;
  shape: readonly number[];
  /** The first five values, row-major. */
  firstValues: number[];
  statistics: TensorStatistics;
}

export interface TracedRun {
  /** 0: the prompt's run; n: the run that was fed the n-th generated token. */
  step: number;
  firstPosition: number;
  tokenCount: number;
  stages: TracedStage[];
}

const FIRST_VALUES = 5;

/** @throws RefuteError E_USAGE where a flag of --trace is given without it, or --positions is neither all nor last */
export function checkTraceFlags({ trace, traceSteps, stages, layers, positions }: TraceFlags): void {
  if (positions !== undefined && positions !== 'all' && positions !== 'last') {
    throw usage('--positions', JSON.stringify(positions), 'all or last is needed');
  }
  if (trace === true) return;
  const given = Object.entries({
    '--trace-steps': traceSteps,
    '--stages': stages,
    '--layers': layers,
    '--positions': positions,
  });
  const [flag] = given.find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw usage(flag, 'it is given without --trace', 'it chooses what --trace shows');
}

export class RunTracer {
  readonly runs: TracedRun[] = [];
  readonly #program: Program;
  #stages: readonly Stage[];
  readonly #decodeSteps: number;
  readonly #positions: Positions;
  readonly #open: (() => void)[] = [];

  /** @throws RefuteError as parseStages, parseLayers and selectStages do */
  constructor(program: Program, { traceSteps = 1, stages = 'all', layers = 'all', positions }: TraceFlags) {
    const names = parseStages(stages, '--stages');
    this.#program = program;
    this.#stages = selectStages(program, { names, layers: parseLayers(layers, program.layerCount) }).stages;
    this.#decodeSteps = traceSteps;
    this.#positions = positions === 'last' ? 'last' : 'all';
  }

  /** Before the first run. */
  leaveOut(isHidden: (stage: Stage) => boolean): void {
    this.#stages = this.#stages.filter((stage) => !isHidden(stage));
  }

  tapOf(step: number, firstPosition: number, tokenCount: number): Tap<FloatArray> | undefined {
    if (step > this.#decodeSteps) return undefined;
    const statistics = new StatisticsSink();
    const heads = new FirstValuesSink();
    const collector = new StageCollector<FloatArray>({
      program: this.#program,
      stages: step === 0 ? this.#stages : this.#stages.filter(isOfOnePosition),
      positionCount: tokenCount,
      positions: this.#positions,
      sink: teeSinks(statistics, heads),
    });
    this.#open.push(() => {
      collector.finish();
      const stages = [...statistics.stages.values()].map(({ id, ...stage }) => ({
        ...stage,
        firstValues: heads.values.get(id) ?? [],
      }));
      this.runs.push({ step, firstPosition, tokenCount, stages });
    });
    // The collector counts positions from the start of its own run.
    const { tap } = collector;
    return {
      values: tap.values,
      onValue: (value, data, position) => tap.onValue(value, data, position - firstPosition),
    };
  }

  /** Call when every traced run has ended. */
  finish(): void {
    for (const close of this.#open.splice(0)) close();
  }
}

/** Scores need the keys of every position, and a decode step computes one. */
function isOfOnePosition({ source }: Stage): boolean {
  return source.from !== 'scores' && source.from !== 'softmax';
}

class FirstValuesSink implements StageSink<FloatArray> {
  readonly values: Map<string, number[]> = new Map();

  begin({ id }: CapturedStage): void {
    this.values.set(id, []);
  }

  append({ id }: CapturedStage, data: FloatArray): void {
    const values = this.values.get(id) ?? [];
    if (values.length < FIRST_VALUES) values.push(...data.subarray(0, FIRST_VALUES - values.length));
  }

  end(): void {}
}
