// Where a run took place: the part that can move a float (the class), and the part that cannot (machine, versions).
import { createHash } from 'node:crypto';
import { cpus, hostname } from 'node:os';
import { parseWhole } from '../../decimal.ts';
import { RefuteError } from '../../errors.ts';
import { SOFTWARE_ADAPTER } from '../run/adapter.ts';

export interface Environment {
  /** `cpu.x64.v8-13.6`, `webgpu.swiftshader`, `webgpu.nvidia-h100` */
  class: string;
  executor: string;
  /** What the executor calls it; absent on the CPU. */
  adapter?: string;
  arch: string;
  v8: string;
}

/** On the CPU V8's minor decides Math.exp and its like; a patch does not. On an adapter the adapter decides. */
export function environmentOf({ executor, adapter }: { executor: string; adapter: string | null }): Environment {
  const v8 = process.versions.v8.split('.').slice(0, 2).join('.');
  const { arch } = process;
  if (adapter === null) return { class: `${executor}.${arch}.v8-${v8}`, executor, arch, v8 };
  return { class: `${executor}.${adapterClass(adapter)}`, executor, adapter, arch, v8 };
}

/** The class that a claim requires of an executor that runs on adapters. */
export const SOFTWARE_CLASS: string = `webgpu.${SOFTWARE_ADAPTER}`;

/**
 * The device of an adapter's name, without its memory and its driver: `nvidia hopper nvidia-h100-80gb-hbm3 NVIDIA: 570.1` is
 * `nvidia-h100`. One that names no device is called by all that it says.
 */
export function adapterClass(adapter: string): string {
  const name = adapter.toLowerCase();
  if (name.includes(SOFTWARE_ADAPTER)) return SOFTWARE_ADAPTER;
  const [vendor = '', ...words] = name.split(' ');
  const device = words.find((word) => word.startsWith(`${vendor}-`)) ?? name;
  return device
    .replace(/-\d+gb\b.*/, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

export interface Machine {
  /** Opaque; two machines with the same name and processor would count as one. */
  id: string;
  os: string;
  cpu: string;
  node: string;
}

export function thisMachine(): Machine {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown';
  const id = createHash('sha256').update(`${hostname()}\n${process.platform}\n${cpu}`).digest('hex').slice(0, 16);
  return { id, os: process.platform, cpu, node: process.versions.node };
}

/** The last second that a date can have. */
const MAX_EPOCH_SECONDS = 8_640_000_000_000;

/**
 * SOURCE_DATE_EPOCH (seconds) makes a run reproducible to the byte: it fixes the clock, and then durations are 0.
 *
 * @throws RefuteError E_OPTION
 */
export function clock(): { startedAt: string; isFixed: boolean } {
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  if (epoch === undefined || epoch === '') return { startedAt: new Date().toISOString(), isFixed: false };
  const seconds = parseWhole(epoch);
  if (seconds === null || seconds > MAX_EPOCH_SECONDS) {
    const allowed = `whole seconds since 1970, at most ${MAX_EPOCH_SECONDS}, are needed`;
    throw new RefuteError({ code: 'E_OPTION', place: 'SOURCE_DATE_EPOCH', is: JSON.stringify(epoch), allowed });
  }
  return { startedAt: new Date(seconds * 1000).toISOString(), isFixed: true };
}
