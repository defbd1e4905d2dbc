// The engines of a page: WebGPU on its own device, and the CPU. Not src/executors.ts, whose engines are processes.
import { openCpuExecutor } from '../engine/cpu/cpu-executor.ts';
import type { Executor, ExecutorProvider, Model } from '../engine/index.ts';
import { OWN_DEVICE } from '../gpu/own-device.ts';
import type { EngineName } from './messages.ts';

const CPU: ExecutorProvider<Float32Array> = {
  id: 'cpu',
  probe: async () => ({ adapter: null }),
  open: openCpuExecutor,
};

const ENGINES: Readonly<Record<EngineName, ExecutorProvider<Float32Array>>> = { webgpu: OWN_DEVICE, cpu: CPU };

/** Told of the weights that are read so far, of so many. */
type OnLoaded = (doneBytes: number, totalBytes: number) => void;

/** Engines of one model, each opened when it is first asked for. */
export class Engines {
  readonly #model: Model;
  readonly #open = new Map<EngineName, Promise<Executor>>();

  constructor(model: Model) {
    this.#model = model;
  }

  /** @throws RefuteError as the engine does that is opened; the next call tries again */
  get(name: EngineName, signal: AbortSignal, onLoaded: OnLoaded): Promise<Executor> {
    const opening = this.#open.get(name) ?? this.#load(name, signal, onLoaded);
    this.#open.set(name, opening);
    opening.catch(() => this.#open.delete(name));
    return opening;
  }

  /** Closes what is open, also after a device was lost. The next `get` opens anew. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const executor of open) await executor.then((opened) => opened.close()).catch(() => undefined);
  }

  #load(name: EngineName, signal: AbortSignal, onLoaded: OnLoaded): Promise<Executor> {
    const { program, weights } = this.#model;
    const infos = program.weights.map((weight) => weights.info(weight.name));
    const totalBytes = infos.reduce((sum, info) => sum + (info?.byteLength ?? 0), 0);
    let doneBytes = 0;
    const counted: Model['weights'] = {
      info: (weight) => weights.info(weight),
      read: async (weight, byteOffset, into) => {
        signal.throwIfAborted();
        await weights.read(weight, byteOffset, into);
        // A matrix that is embedding and head may be read twice.
        doneBytes = Math.min(totalBytes, doneBytes + into.byteLength);
        onLoaded(doneBytes, totalBytes);
      },
    };
    return ENGINES[name].open(program, counted);
  }
}
