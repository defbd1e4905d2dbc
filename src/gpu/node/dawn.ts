// WebGPU in Node: Dawn, from the npm package webgpu. Only for a process of its own, whose environment says which driver
// Vulkan's loader finds, and which a driver may take down.
import { create, globals } from 'webgpu';

/** Kept: a device does not hold what it is made of, and a process that lets go of it dies. */
const opened = new Map<string, GPU>();

/**
 * Memory of a workgroup is not zeroed first: kernels write it before they read it, and on the adapter in software zeroing takes
 * longer than the rest.
 */
const FEATURES = 'enable-dawn-features=disable_workgroup_init';

/**
 * Also declares the global names of WebGPU.
 *
 * @param flags of Dawn, `name=value`: `backend=vulkan`, `adapter=NAME`
 */
export function openDawn(...flags: string[]): GPU {
  Object.assign(globalThis, globals);
  const key = flags.join('\n');
  const dawn = opened.get(key) ?? create([FEATURES, ...flags]);
  opened.set(key, dawn);
  return dawn;
}

let isPatient = false;

/**
 * While anything is awaited Dawn looks for it by `setImmediate`, at every turn of the loop, which takes a whole core. A GPU in
 * software computes on that core: there, once in a millisecond will do. A real one is asked as Dawn would.
 */
export function leaveTheCoreTo({ info }: GPUAdapter): void {
  if (isPatient || !info.isFallbackAdapter) return;
  isPatient = true;
  Object.assign(globalThis, {
    setImmediate: (callback: (...args: unknown[]) => void, ...args: unknown[]) => setTimeout(callback, 1, ...args),
  });
}
