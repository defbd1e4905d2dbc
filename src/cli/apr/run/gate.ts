// The parity gate of `apr run`: a GPU is held against the CPU before it speaks. What it found is printed, and part of the
// JSON.
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { gateRefusal, gateTokens, keptGate, type KeptGateReport } from '../../../diagnosis/parity-gate/index.ts';
import { judgementOf } from '../../../diagnosis/index.ts';
import type { Executor, FloatArray, Model } from '../../../engine/index.ts';
import { openExecutor } from '../../../executors.ts';
import { smallText } from '../../figures.ts';
import { interruptSignal } from '../../interrupt.ts';
import { errorStyle, plainText, Progress } from '../../terminal.ts';
import { openGateStore } from './gate-store.ts';
import { SKIP_VARIABLE } from './skip-gate.ts';

export { gateRefusal };

export type ParityGate =
  | (KeptGateReport & { durationMs: number })
  | { how: 'skipped'; verdict: null; sentence: string };

/** @returns null for an executor that is not held against the CPU: the CPU itself, and somebody else's engine */
export async function passGate(
  model: Model,
  executor: Executor<FloatArray>,
  isSkipped: boolean,
): Promise<ParityGate | null> {
  if (executor.identity === undefined) return null;
  const engine = executor.identity.bind(executor);
  if (isSkipped) {
    const sentence = `${SKIP_VARIABLE}=1: nothing says that ${executor.adapter} computes what the CPU does`;
    return { how: 'skipped', verdict: null, sentence };
  }
  const { program, weights } = model;
  const progress = new Progress();
  const startMs = performance.now();
  try {
    const report = await keptGate(
      {
        executor,
        openReference: async () => (await openExecutor('cpu', program, weights)).executor,
        program,
        weights,
        tokens: gateTokens(model.text, program),
        signal: interruptSignal(),
        onProgress: (op, index, count) => progress.update(`parity gate ${index + 1}/${count} ${op.out}`),
      },
      { engine, modelSha256: await model.sha256(), judge: await release() },
      openGateStore(),
    );
    return { ...report, durationMs: performance.now() - startMs };
  } finally {
    progress.clear();
  }
}

async function release(): Promise<string> {
  const path = findPackageJSON(import.meta.url) ?? '';
  const { version } = JSON.parse(await readFile(path, 'utf8')) as { version: string };
  return version;
}

/** One line on stderr. */
export function printGate(gate: ParityGate): void {
  process.stderr.write(`${gateLine(gate)}\n`);
}

function gateLine(gate: ParityGate): string {
  if (gate.how === 'skipped') return errorStyle.yellow(`parity gate: skipped, ${plainText(gate.sentence)}`);
  const { verdict, how, durationMs, positions, leastCosine, judgedOps, opCount, sentence } = gate;
  const seconds = `${how === 'cached' ? 'cached, looked up' : 'ran'} in ${(durationMs / 1000).toFixed(2)} s`;
  if (verdict !== 'PASS') return errorStyle.yellow(`parity gate: ${verdict}, ${seconds}: ${plainText(sentence)}`);
  const cosine =
    leastCosine === null
      ? ''
      : `cosine with the CPU ${cosineText(leastCosine)} or more at ${positions.length - 1} positions, `;
  return `parity gate: ${verdict}, ${seconds}: ${cosine}${judgedOps} of ${opCount} ops judged${rhoText(gate)}`;
}

function cosineText(cosine: number): string {
  return cosine > 0.999_999 ? '0.999999' : cosine.toFixed(6);
}

/** Ops that round once come near 1 when all is well, and say nothing. */
function rhoText({ rhoByOp }: KeptGateReport): string {
  const telling = rhoByOp.filter(({ op }) => judgementOf(op).isRoundedOnce !== true);
  const [worst] = telling.toSorted((a, b) => b.rho - a.rho);
  return worst === undefined ? '' : `, max rho ${smallText(worst.rho)} (${worst.op})`;
}
