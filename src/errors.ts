// The one error type of the product and the one place that words it. Every folder may import this file.
// Not for verdicts: a falsified claim or a differing tensor is a value, never an exception.

export interface ErrorParts {
  /** Stable, upper case, e.g. `E_GGUF_ALIGNMENT`. Tests and scripts match on this, never on the words. */
  code: string;
  /** Where: a file, a flag, a tensor, `file:line:column`. */
  place: string;
  /** What was found there. */
  is: string;
  /** What would have been accepted. */
  allowed?: string;
  /** What the reader can do now. */
  next?: string;
  cause?: unknown;
}

/**
 * Bad input or a bad environment, said so that a person can act: `place: is; allowed. next`. The programs print
 * `message` without a stack and exit 3, or with `exitCode` where a subclass of trouble declines (2).
 */
export class RefuteError extends Error {
  override readonly name = 'RefuteError';
  readonly code: string;
  readonly place: string;
  readonly exitCode: 2 | 3;

  constructor(parts: ErrorParts, exitCode: 2 | 3 = 3) {
    const { code, place, is, allowed, next, cause } = parts;
    const sentence = allowed === undefined ? `${place}: ${is}.` : `${place}: ${is}; ${allowed}.`;
    const advice = next === undefined ? '' : ` ${next}${next.endsWith('?') ? '' : '.'}`;
    super(sentence + advice, cause === undefined ? {} : { cause });
    this.code = code;
    this.place = place;
    this.exitCode = exitCode;
  }
}
