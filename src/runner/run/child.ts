// The child process that runs one part of one falsifier and reports over IPC. A crash, a hang or an out-of-memory of
// what it runs ends this process and nothing else.
import { pathToFileURL } from 'node:url';
import type { ExecutorId } from '../../engine/index.ts';
import type { Falsifier, Part, PlantedFault } from './falsifier.ts';
import type { PartName } from '../contract/part-names.ts';
import { LLAMA_PACKAGE, missingNeed } from './needs.ts';
import { plannedOn } from './planned.ts';
import { PartStopped, RecordingContext } from './part-context.ts';
import { holdExecutor, type HeldExecutor } from './product.ts';
import type { ChildMessage, DescribeRequest, FalsifierDescription, FaultDescription } from './protocol.ts';
import type { PartReport, PartRequest } from './protocol.ts';

const PROGRESS_INTERVAL_MS = 100;

process.once('message', (request: PartRequest | DescribeRequest) => {
  void answer(request).then(() => process.exit(0));
});
// The harness has ended, so the answer has no reader.
process.once('disconnect', () => process.exit(1));
await send({ type: 'ready' });

async function answer(request: PartRequest | DescribeRequest): Promise<void> {
  try {
    await send(request.type === 'describe' ? await describe(request.module) : await runRequest(request));
  } catch (error) {
    await send({ type: 'unusable', message: textOf(error) });
  }
}

async function describe(path: string): Promise<ChildMessage> {
  const falsifiers = await loadFalsifiers(path);
  const entries = await Promise.all(
    Object.entries(falsifiers).map(async ([claim, falsifier]) => [claim, await describeFalsifier(falsifier)] as const),
  );
  return { type: 'description', description: Object.fromEntries(entries) };
}

async function describeFalsifier({ parts, faults, faultsOnWebgpu }: Falsifier): Promise<FalsifierDescription> {
  const described: FalsifierDescription['parts'] = {};
  for (const [name, part] of Object.entries(parts) as [PartName, Part][]) {
    described[name] = { planned: part.planned, needs: part.needs ?? [] };
  }
  return {
    parts: described,
    faults:
      faultsOnWebgpu === undefined
        ? faults.map((fault) => describeFault(fault, sourceOf(fault)))
        : [
            ...faults.map((fault) => describeFault(fault, 'cpu')),
            ...(await faultsOnWebgpu()).map((fault) => describeFault(fault, 'webgpu')),
          ],
  };
}

/** Where the source of one executor lies. */
const SOURCE_OF: readonly [folder: string, executor: ExecutorId][] = [
  ['src/engine/cpu/', 'cpu'],
  ['src/gpu/', 'webgpu'],
];

function sourceOf({ inject }: PlantedFault): ExecutorId | undefined {
  return SOURCE_OF.find(([folder]) => inject.kind === 'source' && inject.file.startsWith(folder))?.[1];
}

function describeFault(fault: PlantedFault, executor: ExecutorId | undefined): FaultDescription {
  const { id, title, size, part = 'generated', inject } = fault;
  const described = inject.kind === 'source' ? inject : ({ kind: 'model' } as const);
  return { id, title, size, part, ...(executor === undefined ? {} : { executor }), inject: described };
}

async function runRequest(request: PartRequest): Promise<ChildMessage> {
  const { address, part: name, root } = request;
  const part = (await loadFalsifiers(address.module))[address.claim]?.parts[name];
  if (part === undefined) {
    throw new Error(`${address.module} exports no falsifiers['${address.claim}'] with a part "${name}"`);
  }
  // The CPU is always there; asking would load modules that most claims do not need.
  const held = request.executor === 'cpu' ? null : await holdExecutor(request.executor, request.adapter);
  if (held !== null && 'absent' in held) return { type: 'executor-absent', why: held.absent };
  try {
    for (const need of part.needs ?? []) {
      const why = await missingNeed(root, need);
      if (why !== null) return { type: 'absent', need, why };
    }
    return { type: 'report', report: await runPart(part, request, held) };
  } finally {
    held?.close();
  }
}

async function loadFalsifiers(path: string): Promise<Readonly<Record<string, Falsifier>>> {
  const module = (await import(pathToFileURL(path).href)) as { falsifiers?: Readonly<Record<string, Falsifier>> };
  if (module.falsifiers === undefined) throw new Error(`${path} has no export named "falsifiers"`);
  return module.falsifiers;
}

async function runPart(part: Part, request: PartRequest, held: HeldExecutor | null): Promise<PartReport> {
  const whole = plannedOn(request.executor, part);
  const planned = Math.min(request.planned ?? whole, whole);
  let lastMs = 0;
  const onProgress = (executed: number): void => {
    const nowMs = performance.now();
    if (nowMs - lastMs < PROGRESS_INTERVAL_MS) return;
    lastMs = nowMs;
    process.send?.({ type: 'progress', executed, planned } satisfies ChildMessage);
  };
  const context = new RecordingContext(request, planned, held, onProgress);
  if (part.needs?.includes('oracle:llama.cpp') === true) context.report.touched.packages.push(LLAMA_PACKAGE);
  try {
    await part.run(context);
  } catch (error) {
    if (!(error instanceof PartStopped)) context.report.thrown ??= { message: textOf(error), where: null };
  }
  const report = { ...context.report, outputsDigest: context.outputsDigest() };
  return request.replayOnly ? { ...report, planned: request.replays.length, executed: report.replayed } : report;
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function send(message: ChildMessage): Promise<void> {
  return new Promise((done) => {
    process.send?.(message, undefined, undefined, () => done());
  });
}
