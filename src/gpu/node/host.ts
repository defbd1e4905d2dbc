// The GPU process: Dawn, one device and the executors on it, told what to do by its parent (gpu-process.ts). It asks the
// parent for weights and hands it each tapped value, and waits for the answer, so that a slow reader holds the run.
import { readFile } from 'node:fs/promises';
import { findPackageJSON, flushCompileCache } from 'node:module';
import type { EngineIdentity, Executor, Session, WeightSource } from '../../engine/program/executor.ts';
import { GpuDevice } from '../device.ts';
import { openWebgpuExecutor } from '../webgpu-executor.ts';
import { findAdapter } from './adapters.ts';
import { receivedError, sentError } from './messages.ts';
import type { FoundAdapters, FromHost, GreedyAnswer, Request, RunAnswer, ToHost } from './messages.ts';
import { engineDigest } from './sources.ts';

type Question = { weight: { name: string; byteOffset: number; byteLength: number } } | { value: ValueMessage };
type ValueMessage = { value: string; data: Float32Array; firstPosition: number };

const waiting = new Map<number, { resolve: (bytes: Uint8Array | undefined) => void; reject: (error: Error) => void }>();
const aborts = new Map<number, AbortController>();
const executors = new Map<number, Executor>();
const sessions = new Map<number, Session>();
let questionCount = 0;
let sessionCount = 0;
let executorCount = 0;
let adapter: GPUAdapter | null = null;
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
// Ctrl-C reaches it too; its parent decides what that ends, and ends it.
process.on('SIGINT', () => undefined);
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
      return find(request.wanted);
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
      // It ends by being killed, which keeps nothing.
      flushCompileCache();
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
    case 'identity':
      return identity(opened(request.executor));
    case 'closeExecutor':
      await executors.get(request.executor)?.close();
      executors.delete(request.executor);
      return null;
  }
}

async function runSession(
  id: number,
  { session: number, firstPosition, tokens, logits, tapped }: Extract<Request, { type: 'run' }>,
): Promise<RunAnswer | GreedyAnswer> {
  const session = sessions.get(number);
  if (session === undefined) throw new Error(`there is no session ${number}`);
  session.truncate(firstPosition);
  const controller = new AbortController();
  aborts.set(id, controller);
  const onValue = async (value: string, data: Float32Array, first: number): Promise<void> =>
    void (await ask(id, { value: { value, data, firstPosition: first } }));
  try {
    const tap = tapped.length === 0 ? {} : { tap: { values: new Set(tapped), onValue } };
    const asked = { tokens, ...tap, signal: controller.signal };
    const answer =
      logits === 'choice'
        ? { chosen: await there(session.runGreedy?.(asked)) }
        : { logits: (await session.run({ ...asked, logits })).logits };
    const { usage } = session;
    return { ...answer, ...(usage === undefined ? {} : { usage }) };
  } finally {
    aborts.delete(id);
  }
}

async function find(wanted: string | undefined): Promise<FoundAdapters> {
  const { chosen, there } = await findAdapter(wanted);
  adapter = chosen?.adapter ?? null;
  return { chosen: chosen?.found ?? null, there };
}

async function identity({ profile, program, adapter: name }: Executor): Promise<EngineIdentity> {
  if (adapter === null) throw new Error('no adapter was found');
  const { vendor, architecture, device: model, description } = adapter.info;
  const { version } = JSON.parse(await readFile(findPackageJSON('webgpu', import.meta.url) ?? '', 'utf8')) as Package;
  return {
    adapter: name ?? '',
    driver: `${vendor} ${architecture} ${model}, ${description}, Dawn of webgpu ${version}`,
    sourceDigest: await engineDigest(JSON.stringify(profile), JSON.stringify(program)),
  };
}

interface Package {
  version: string;
}

function there<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error('this session chooses nothing');
  return thing;
}

function openDevice(): Promise<GpuDevice> {
  if (adapter === null) throw new Error('no adapter was found');
  device ??= GpuDevice.open(adapter);
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
