// The GPU process: Dawn, one device and the executors on it, told what to do by its parent (gpu-process.ts). It asks the
// parent for weights and hands it each tapped value, and waits for the answer, so that a slow reader holds the run.
import type { Executor, Session, WeightSource } from '../../engine/program/executor.ts';
import { GpuDevice, nameOfAdapter } from '../device.ts';
import { openWebgpuExecutor } from '../webgpu-executor.ts';
import { openDawn } from './dawn.ts';
import { receivedError, sentError, type FoundAdapter, type FromHost, type Request, type ToHost } from './messages.ts';

type Question = { weight: { name: string; byteOffset: number; byteLength: number } } | { value: ValueMessage };
type ValueMessage = { value: string; data: Float32Array; firstPosition: number };

const waiting = new Map<number, { resolve: (bytes: Uint8Array | undefined) => void; reject: (error: Error) => void }>();
const aborts = new Map<number, AbortController>();
const executors = new Map<number, Executor>();
const sessions = new Map<number, Session>();
let questionCount = 0;
let sessionCount = 0;
let executorCount = 0;
/** One for all executors, so that a kernel is compiled once. */
let device: Promise<GpuDevice> | null = null;

process.on('message', (message: ToHost) => {
  if ('answers' in message) {
    const asker = waiting.get(message.answers);
    waiting.delete(message.answers);
    if (message.failed === undefined) asker?.resolve(message.bytes);
    else asker?.reject(receivedError(message.failed));
  } else if ('aborts' in message) {
    aborts.get(message.aborts)?.abort();
  } else {
    void answer(message.id, message.request);
  }
});
// Whose parent is gone has nobody to compute for.
process.on('disconnect', () => process.exit(0));

async function answer(id: number, request: Request): Promise<void> {
  try {
    send({ id, done: await doRequest(id, request) });
  } catch (error) {
    send({ id, failed: sentError(error) });
  }
}

async function doRequest(id: number, request: Request): Promise<unknown> {
  switch (request.type) {
    case 'find':
      return findAdapter();
    case 'open': {
      const infos = new Map(request.weights.map((info) => [info.name, info]));
      const weights: WeightSource = {
        info: (name) => infos.get(name),
        read: async (name, byteOffset, into) => {
          const bytes = await ask(id, { weight: { name, byteOffset, byteLength: into.byteLength } });
          into.set(bytes ?? new Uint8Array(0));
        },
      };
      const executor = await openWebgpuExecutor(await openDevice(), request.program, weights, request.options);
      executors.set(++executorCount, executor);
      return { executor: executorCount, adapter: executor.adapter, profile: executor.profile };
    }
    case 'openSession': {
      const session = await opened(request.executor).openSession(request.contextLength);
      sessions.set(++sessionCount, session);
      return sessionCount;
    }
    case 'run':
      return runSession(id, request);
    case 'closeSession':
      sessions.get(request.session)?.close();
      sessions.delete(request.session);
      return null;
    case 'closeExecutor':
      await executors.get(request.executor)?.close();
      executors.delete(request.executor);
      return null;
  }
}

async function runSession(
  id: number,
  { session: number, firstPosition, tokens, logits, tapped }: Extract<Request, { type: 'run' }>,
): Promise<Float32Array> {
  const session = sessions.get(number);
  if (session === undefined) throw new Error(`there is no session ${number}`);
  session.truncate(firstPosition);
  const controller = new AbortController();
  aborts.set(id, controller);
  const onValue = async (value: string, data: Float32Array, first: number): Promise<void> =>
    void (await ask(id, { value: { value, data, firstPosition: first } }));
  try {
    const tap = tapped.length === 0 ? {} : { tap: { values: new Set(tapped), onValue } };
    return (await session.run({ tokens, logits, ...tap, signal: controller.signal })).logits;
  } finally {
    aborts.delete(id);
  }
}

async function findAdapter(): Promise<FoundAdapter | null> {
  const adapter = await openDawn().requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return null;
  return { name: nameOfAdapter(adapter), isSoftware: adapter.info.isFallbackAdapter };
}

function openDevice(): Promise<GpuDevice> {
  device ??= (async () => {
    const adapter = await openDawn().requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) throw new Error('the adapter that was found is gone');
    return GpuDevice.open(adapter);
  })();
  return device;
}

function opened(number: number): Executor {
  const executor = executors.get(number);
  if (executor === undefined) throw new Error(`there is no executor ${number}`);
  return executor;
}

function ask(id: number, question: Question): Promise<Uint8Array | undefined> {
  const asks = ++questionCount;
  return new Promise((resolve, reject) => {
    waiting.set(asks, { resolve, reject });
    send({ id, asks, ...question });
  });
}

function send(message: FromHost): void {
  process.send?.(message);
}
