// How a check runs its tokens, so that the ways in which an engine is used are all judged: a prompt in one piece,
// single steps at its start and its end, and a truncation in between. And what the bookkeeping of a session may get
// wrong on the way: positions, and results that depend on whether values are tapped.
import type { FloatArray, Session, Tap } from '../../engine/program/executor.ts';
import type { BugClass } from '../faults/fault.ts';

export interface Segment {
  /** Positions [from, to) run together. */
  from: number;
  to: number;
  /** The session is cut back to `from` first. */
  isAfterTruncation: boolean;
}

export interface PathFault {
  sentence: string;
  bugClass: BugClass;
}

/** Fewer positions run in one piece. */
export const LEAST_POSITIONS_FOR_STEPS = 6;

export function segmentsOf(count: number): Segment[] {
  const piece = (from: number, to: number, isAfterTruncation = false): Segment => ({ from, to, isAfterTruncation });
  if (count < LEAST_POSITIONS_FOR_STEPS) return [piece(0, count)];
  return [piece(0, 2), piece(2, 3), piece(3, 4), piece(3, count - 1, true), piece(count - 1, count)];
}

/** @returns the logits of every row that ran, in order, or the first fault of bookkeeping */
export async function runSegments(
  session: Session<FloatArray>,
  tokens: readonly number[],
  tap: Tap<FloatArray> | null,
  signal?: AbortSignal,
): Promise<{ logits: FloatArray[]; fault: PathFault | null }> {
  const logits: FloatArray[] = [];
  for (const { from, to, isAfterTruncation } of segmentsOf(tokens.length)) {
    if (isAfterTruncation) session.truncate(from);
    if (session.positionCount !== from) {
      const when = isAfterTruncation ? `after truncating to ${from}` : `before position ${from}`;
      const sentence = `the session holds ${session.positionCount} positions ${when}`;
      return { logits, fault: { sentence, bugClass: 'KV_CACHE_FAILURE' } };
    }
    const some = tokens.slice(from, to);
    logits.push((await session.run({ tokens: some, logits: 'all', signal, ...(tap === null ? {} : { tap }) })).logits);
  }
  return { logits, fault: null };
}

/** Compares bits: a run whose values are tapped must give the very results of a run without taps. */
export function compareRuns(watched: readonly FloatArray[], unwatched: readonly FloatArray[]): PathFault | null {
  for (const [run, logits] of watched.entries()) {
    const other = unwatched[run] ?? new Float32Array(0);
    const [a, b] = [bytesOf(logits), bytesOf(other)];
    if (a.length === b.length && a.every((byte, i) => byte === b[i])) continue;
    const sentence = `logits of the watched run are not those of the same run unwatched, bit for bit (run ${run + 1})`;
    return { sentence, bugClass: 'PATH_DIVERGENCE' };
  }
  return null;
}

function bytesOf(data: FloatArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
