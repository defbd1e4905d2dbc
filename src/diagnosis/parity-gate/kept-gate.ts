// A gate's verdict, kept: a model that has passed on an adapter is not asked again until model, driver, engine or judge
// are others. Where it is kept is the caller's (a file, a page's storage).
import type { EngineIdentity } from '../../engine/program/executor.ts';
import { RefuteError } from '../../errors.ts';
import { runGate, type GateOptions, type GateReport } from './gate.ts';

/** Counted up where the gate asks for more or for something else, so that a verdict by another rule is not taken. */
const RULE = 1;

export interface GateStore {
  /** null: there is nothing. What it gives is not trusted. */
  read(key: string): Promise<string | null>;
  write(key: string, text: string): Promise<void>;
}

export interface GateAbout {
  /** Asked once a session has been opened. */
  engine: () => Promise<EngineIdentity>;
  modelSha256: string;
  /** The release that judges: other budgets are another verdict. */
  judge: string;
}

export interface KeptGateReport extends GateReport {
  how: 'ran' | 'cached';
}

/**
 * Only a PASS is kept. An entry that cannot be read, or is about something else, counts as none.
 *
 * @throws RefuteError those of the executors and of the store's `write`
 */
export async function keptGate(
  options: GateOptions,
  { engine, ...about }: GateAbout,
  store: GateStore,
): Promise<KeptGateReport> {
  const { executor, tokens } = options;
  (await executor.openSession(tokens.length)).close();
  const subject = JSON.stringify({ rule: RULE, ...about, ...(await engine()), tokens });
  const key = await digest(subject);
  const kept = readKept(await store.read(key), subject);
  if (kept !== null) return { ...kept, how: 'cached' };
  const report = await runGate(options);
  if (report.verdict === 'PASS') await store.write(key, JSON.stringify({ subject, report }));
  return { ...report, how: 'ran' };
}

function readKept(text: string | null, subject: string): GateReport | null {
  if (text === null) return null;
  try {
    const kept = JSON.parse(text) as { subject?: unknown; report?: GateReport };
    const { report } = kept;
    return kept.subject === subject && report?.verdict === 'PASS' && Array.isArray(report.positions) ? report : null;
  } catch {
    return null;
  }
}

async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Measured, and failed: a verdict in the words of an error. The command ends with 1. */
class Rejection extends RefuteError {}

/** Of a gate that refuses. */
export function gateRefusal(adapter: string, { sentence }: GateReport): Rejection {
  const is = `the parity gate refuses it: ${sentence}`;
  const next = 'apr check and apr parity --engine webgpu show more; --engine cpu runs on the CPU';
  return new Rejection({ code: 'E_PARITY_GATE', place: adapter, is, next });
}
