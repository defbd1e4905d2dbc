// One executor against the CPU on the same tokens, position by position: compareEngines, with the classic figures beside it,
// and the local check's word with it. Position 0 has seen one token and its logits are nearly flat: it is reported, and
// decides nothing. Runs in a page too.
import type { FloatArray } from '../../engine/program/executor.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { CheckReport } from '../check/report.ts';
import { closenessOf, type Closeness } from './closeness.ts';
import { compareEngines, type ParityOptions, type ParityReport } from './compare-engines.ts';
import type { PositionParity } from './compare.ts';
import { parityVerdict } from './parity-verdict.ts';

export interface CpuParityReport extends ParityReport {
  positions: (PositionParity & Closeness & { isGating: boolean })[];
}

interface Ran {
  name: string;
  profile: NumericProfile;
  /** [positions, vocabulary], of every token. */
  logits: FloatArray;
}

export interface CpuParityOptions extends Pick<ParityOptions, 'program' | 'weights' | 'tokens' | 'signal'> {
  subject: Ran;
  cpu: Ran;
  onProgress?: ParityOptions['onProgress'];
}

/** @throws RefuteError E_PARITY_ROWS */
export async function compareWithCpu({
  subject,
  cpu,
  onProgress,
  ...rest
}: CpuParityOptions): Promise<CpuParityReport> {
  const rowCount = rest.tokens.length;
  const answer = { kind: 'logits', logits: cpu.logits, rowCount } as const;
  const report = await compareEngines({
    ...rest,
    ours: { ...subject, rowCount },
    theirs: { name: cpu.name, answer, profiles: [cpu.profile], hasSameWeights: true },
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const { vocabSize } = rest.program;
  const rowOf = ({ logits }: Ran, position: number): FloatArray =>
    logits.subarray(position * vocabSize, (position + 1) * vocabSize);
  const positions = report.positions.map((position) => ({
    ...position,
    ...closenessOf(rowOf(subject, position.position), rowOf(cpu, position.position)),
    isGating: position.position > 0,
  }));
  const names = { ours: subject.name, theirs: cpu.name, hasSameWeights: true };
  const verdict = parityVerdict(positions.slice(1), names);
  const alone =
    'INCONCLUSIVE: there is position 0 alone, which decides nothing; a prompt of two tokens or more is needed.';
  return { ...report, ...verdict, ...(positions.length > 1 ? {} : { sentence: alone }), positions };
}

export type CpuParityWord = 'PASS' | 'BUG' | 'DIFFERENT' | 'SUSPECT' | 'INCONCLUSIVE';

/** A faulty op says more than the difference that it makes. Unverified programs are never PASS: so says the check. */
export function withCheck(
  parity: Pick<CpuParityReport, 'verdict' | 'sentence'>,
  check: Pick<CheckReport, 'verdict' | 'sentence'>,
): { verdict: CpuParityWord; sentence: string } {
  const word = (text: string): string => text.replace(/^[A-Z]+:? /, '');
  if (check.verdict === 'BUG') return { verdict: 'BUG', sentence: `${check.sentence}. ${parity.sentence}` };
  if (parity.verdict === 'DIFFERENT') return { verdict: 'DIFFERENT', sentence: `${parity.sentence} ${check.sentence}` };
  if (check.verdict === 'SUSPECT') return { verdict: 'SUSPECT', sentence: `${check.sentence}. ${parity.sentence}` };
  if (parity.verdict === 'INCONCLUSIVE') return { verdict: 'INCONCLUSIVE', sentence: parity.sentence };
  const agreement = word(parity.sentence).replace(/\.$/, '');
  return { verdict: check.verdict, sentence: `${check.verdict}: ${agreement}; ${word(check.sentence)}` };
}
