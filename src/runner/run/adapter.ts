// Which GPU adapter a claim is run on. Evidence that is asked for is of the one in software, which every machine can have
// from npm; a real one is asked for by name, and its receipts are extra.
import type { ExecutorId } from '../../engine/index.ts';

/** As src/gpu/node knows it; not imported, for the runner hangs on no executor. */
export const SOFTWARE_ADAPTER = 'swiftshader';

/** @param wanted what `--adapter` says. @returns undefined for an executor that runs on none */
export function adapterFor(executor: ExecutorId, wanted: string | undefined): string | undefined {
  return executor === 'webgpu' ? (wanted ?? SOFTWARE_ADAPTER) : undefined;
}
