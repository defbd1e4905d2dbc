// What the GPU process and its parent say to each other, as structured clones over Node's own channel.
import { RefuteError } from '../../errors.ts';
import type { GreedyResult, OpenOptions, RunRequest, StepUsage, WeightInfo } from '../../engine/program/executor.ts';
import type { Program, ValueId, WeightName } from '../../engine/program/program.ts';

/** An adapter as a person can tell it from others. */
export interface FoundAdapter {
  name: string;
  /** True for a GPU in software. */
  isSoftware: boolean;
}

/** Answer to `find`. */
export interface FoundAdapters {
  /** null: none that is wanted. */
  chosen: FoundAdapter | null;
  /** All of the machine. */
  there: readonly FoundAdapter[];
}

/** Answer to `run`. */
export interface RunAnswer {
  logits: Float32Array;
  usage?: StepUsage;
}

/** Answer to `run` for a choice. */
export interface GreedyAnswer {
  chosen: Omit<GreedyResult, 'firstPosition'>;
  usage?: StepUsage;
}

export type Request =
  /** `wanted`: a part of a name; absent: a real one. */
  | { type: 'find'; wanted?: string }
  | { type: 'open'; program: Program; weights: readonly WeightInfo[]; options: OpenOptions }
  | { type: 'openSession'; executor: number; contextLength: number }
  | {
      type: 'run';
      session: number;
      /** Positions that the session holds by now: it forgets those from here on. */
      firstPosition: number;
      tokens: readonly number[];
      /** `choice`: none, and the likeliest token instead. */
      logits: RunRequest['logits'] | 'choice';
      tapped: readonly ValueId[];
    }
  | { type: 'closeSession'; session: number }
  | { type: 'identity'; executor: number }
  | { type: 'closeExecutor'; executor: number };

export type ToHost =
  | { id: number; request: Request }
  /** Answers a question of the host. */
  | { answers: number; bytes?: Uint8Array; failed?: SentError }
  | { aborts: number };

export type FromHost =
  | { id: number; done: unknown }
  | { id: number; failed: SentError }
  | { id: number; asks: number; weight: { name: WeightName; byteOffset: number; byteLength: number } }
  | { id: number; asks: number; value: { value: ValueId; data: Float32Array; firstPosition: number } };

/** An error as it travels. */
export interface SentError {
  code: string | null;
  place: string;
  message: string;
  exitCode: 2 | 3;
}

export function sentError(error: unknown): SentError {
  if (error instanceof RefuteError) {
    const { code, place, message, exitCode } = error;
    return { code, place, message, exitCode };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: null, place: 'the GPU process', message, exitCode: 3 };
}

export function receivedError({ code, place, message, exitCode }: SentError): Error {
  if (code === null) return new Error(message);
  const is = message.startsWith(`${place}: `) ? message.slice(place.length + 2) : message;
  return new RefuteError({ code, place, is: is.replace(/\.$/, '') }, exitCode);
}
