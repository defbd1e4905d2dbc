// Long work that can be stopped: between two of its steps it asks here. A signal cannot be heard while a thread
// computes, so the thread stands back now and then, for one turn of its event loop.

const EVERY_MS = 50;
let lastPauseMs = 0;

/** A page has no setImmediate. */
const nextTurn: (then: () => void) => unknown = typeof setImmediate === 'function' ? setImmediate : setTimeout;

/** @returns a wait where one is due, else null: go on. @throws the signal's reason, at once or out of the wait */
export function pause(signal: AbortSignal | undefined): Promise<void> | null {
  if (signal === undefined) return null;
  signal.throwIfAborted();
  return performance.now() - lastPauseMs < EVERY_MS ? null : standBack(signal);
}

async function standBack(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => nextTurn(resolve));
  lastPauseMs = performance.now();
  signal.throwIfAborted();
}
