// Ways in which a program passes one engine off for another, as changes of the product.
import type { PlantedFault } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';

const FAULTS: readonly PlantedFault[] = plants`
  src/executors.ts
  gross absent-engine-is-cpu: an engine that there is not is taken for the CPU
  - const provider = EXECUTORS.find(({ id }) => id === name);
  + const provider = EXECUTORS.find(({ id }) => id === name) ?? CPU;
  small cpu-asks-the-gpu: a run on the CPU asks for a GPU, and does not use it
  - if (provider !== undefined) return provider;
  + if (provider === CPU) void WEBGPU.probe('swiftshader');
  + if (provider !== undefined) return provider;
  src/cli/program.ts
  small declined-is-an-error: what is declined ends with the exit code of an error
  - return error instanceof RefuteError ? error.exitCode : EXIT.error;
  + return EXIT.error;
  src/cli/apr/run/run.ts
  gross report-says-cpu: the report says cpu, whatever ran
  - executor: chosen.report,
  + executor: { ...chosen.report, ran: 'cpu' as const },
  src/gpu/node/webgpu-executor.ts
  small adapter-unnamed: the adapter is not named
  - this.adapter = opened.adapter;
  + this.adapter = '';
  src/gpu/node/gpu-process.ts
  gross death-is-untyped: a process that died is an error of no kind
  - this.#end ??= new RefuteError({ code: 'E_GPU_DIED', place: PLACE, is, next });
  + this.#end ??= new Error(is + next) as RefuteError;
  small death-is-declined: a process that died counts as a GPU that was never there
  - this.#end ??= new RefuteError({ code: 'E_GPU_DIED', place: PLACE, is, next });
  + this.#end ??= new RefuteError({ code: 'E_GPU_DIED', place: PLACE, is, next }, 2);
  src/cli/apr/engine-option.ts
  gross no-gpu-ignored: --no-gpu asks for the GPU
  - const [name, variant] = splitOnce(gpu ? (engine ?? 'auto') : 'cpu');
  + const [name, variant] = splitOnce(gpu ? (engine ?? 'auto') : 'webgpu');
`;

/** By their names. */
export function dishonest(names: string): PlantedFault[] {
  const wanted = names.split(' ');
  return FAULTS.filter(({ id }) => wanted.includes(id));
}
