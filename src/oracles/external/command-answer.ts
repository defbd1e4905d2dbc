// What a command prints: {"logits": [[…], …]}, a row after each token or one row after the last. Log-probabilities
// serve as well. Nothing is filled in.
import { RefuteError } from '../../errors.ts';

/** @throws RefuteError E_COMMAND_OUTPUT naming row and element */
export function readLogits(
  place: string,
  text: string,
  tokenCount: number,
  vocabSize: number,
): { logits: Float64Array; rowCount: number } {
  const refuse = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_COMMAND_OUTPUT', place, is, ...(allowed === undefined ? {} : { allowed }) });
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    const is =
      text.trim() === '' ? 'it printed nothing' : `it printed no JSON but ${JSON.stringify(text.slice(0, 80))}`;
    throw refuse(is, '{"logits": [[…], …]} on stdout, or a capture in {out}, is needed');
  }
  const rows = typeof answer === 'object' && answer !== null && 'logits' in answer ? answer.logits : undefined;
  if (!Array.isArray(rows)) throw refuse('there is no list "logits" in what it printed');
  const rowCount = rows.length;
  if (rowCount !== tokenCount && rowCount !== 1) {
    throw refuse(`logits has ${rowCount} rows`, `${tokenCount}, one per token, or 1 for the last is needed`);
  }
  const logits = new Float64Array(rowCount * vocabSize);
  for (const [p, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== vocabSize) {
      const is = Array.isArray(row)
        ? `row ${p} of logits has ${row.length} numbers`
        : `row ${p} of logits is not a list`;
      throw refuse(is, `the vocabulary has ${vocabSize}`);
    }
    for (const [id, logit] of row.entries()) {
      if (typeof logit !== 'number' || !Number.isFinite(logit)) {
        throw refuse(`logits[${p}][${id}] is ${JSON.stringify(logit)}`, 'a finite number is needed');
      }
      logits[p * vocabSize + id] = logit;
    }
  }
  return { logits, rowCount };
}
