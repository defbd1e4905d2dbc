// WebGPU in Node: Dawn, from the npm package webgpu. Only for a process of its own, whose environment says which driver
// Vulkan's loader finds, and which a driver may take down.
import { create, globals } from 'webgpu';

/** Kept: a device does not hold what it is made of, and a process that lets go of it dies. */
let dawn: GPU | null = null;

/** Also declares the global names of WebGPU. */
export function openDawn(): GPU {
  Object.assign(globalThis, globals);
  dawn ??= create([]);
  return dawn;
}
