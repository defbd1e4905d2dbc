// What the comparisons of `apr diff` share: a verdict with its exit code, and two inputs that are closed in the end.
import { EXIT, type ExitCode } from '../../program.ts';

export type DiffVerdict = 'identical' | 'differ' | 'declined';

export const EXIT_OF: Readonly<Record<DiffVerdict, ExitCode>> = {
  identical: EXIT.accepted,
  differ: EXIT.rejected,
  declined: EXIT.declined,
};

/** Opens two inputs and closes both, whatever becomes of their use. */
export async function withBoth<Input extends { close(): Promise<void> }, Result>(
  open: (path: string) => Promise<Input>,
  [pathA, pathB]: readonly [string, string],
  use: (a: Input, b: Input) => Promise<Result>,
): Promise<Result> {
  const a = await open(pathA);
  try {
    const b = await open(pathB);
    try {
      return await use(a, b);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}
