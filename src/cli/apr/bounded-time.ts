// Work on a text by a file's own expressions, which can take for ever on purpose: an end to it.
import { runInNewContext } from 'node:vm';
import { RefuteError } from '../../errors.ts';

/** A long text takes seconds; expressions that backtrack without end take years. */
const SECONDS = 20;
const MORE_PER_CHARACTER = 1e-4;

/** @throws RefuteError E_TEXT_TIME, and what `work` throws */
export function inBoundedTime<Result>(text: string, work: () => Result, base: number = SECONDS): Result {
  const seconds = Math.ceil(base + text.length * MORE_PER_CHARACTER);
  try {
    return runInNewContext('work()', { work }, { timeout: seconds * 1000 }) as Result;
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    const is = `its ${text.length} characters are not cut into tokens after ${seconds} s`;
    const next = "An expression of the file's tokenizer may backtrack without end. Give ids: --tokens 1,5,9";
    throw new RefuteError({ code: 'E_TEXT_TIME', place: 'text', is, next, cause: error });
  }
}
