// Whether the parity gate is left out. A module of its own: most runs are of the CPU, and load no gate.
import { usage } from '../prompt.ts';

export const SKIP_VARIABLE = 'SKIP_PARITY_GATE';

/** @throws RefuteError E_USAGE for a value that is neither 0 nor 1 */
export function isGateSkipped(): boolean {
  const value = process.env[SKIP_VARIABLE] ?? '';
  if (!['', '0', '1'].includes(value)) throw usage(SKIP_VARIABLE, JSON.stringify(value), '1 skips the gate');
  return value === '1';
}
