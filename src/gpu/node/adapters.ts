// Which adapter of a machine: a real one, unless one is asked for by name. For the GPU process.
import { nameOfAdapter } from '../device.ts';
import { leaveTheCoreTo, openDawn } from './dawn.ts';
import type { FoundAdapter } from './messages.ts';

/** An adapter with what tells it from others. */
interface Listed {
  adapter: GPUAdapter;
  found: FoundAdapter;
  /** What `--adapter` may be a part of. */
  names: string;
}

/** @param wanted a part of a name, in any case; undefined: a real one, of several the faster */
export async function findAdapter(wanted?: string): Promise<{ chosen: Listed | null; there: FoundAdapter[] }> {
  const listed = await listAdapters();
  const isWanted = ({ names, found }: Listed): boolean =>
    wanted === undefined ? !found.isSoftware : names.includes(wanted.toLowerCase());
  const fitting = listed.filter(isWanted);
  const chosen = fitting.find(({ found }) => !found.isSoftware) ?? fitting[0] ?? null;
  if (chosen !== null) leaveTheCoreTo(chosen.adapter);
  return { chosen, there: listed.map(({ found }) => found) };
}

/** The one that Dawn prefers, in software where there is no other. */
export async function anyAdapter(): Promise<GPUAdapter | null> {
  const adapter = await request();
  if (adapter !== null) leaveTheCoreTo(adapter);
  return adapter;
}

/** The one that Dawn prefers first, each once, whatever it is reached through. */
async function listAdapters(): Promise<Listed[]> {
  const listed: Listed[] = [];
  const add = (adapter: GPUAdapter | null, name: string): void => {
    if (adapter === null || listed.some(({ found }) => found.name === nameOfAdapter(adapter))) return;
    const found = { name: nameOfAdapter(adapter), isSoftware: adapter.info.isFallbackAdapter };
    listed.push({ adapter, found, names: [found.name, adapter.info.device, name].join(' ').toLowerCase() });
  };
  add(await request(), '');
  for (const { backend, name } of await dawnsOwnList())
    add(await request(`backend=${backend}`, `adapter=${name}`), name);
  return listed;
}

function request(...flags: string[]): Promise<GPUAdapter | null> {
  return openDawn(...flags).requestAdapter({ powerPreference: 'high-performance' });
}

/** WebGPU does not list adapters. Dawn does, in the error about a name that none of them has. */
async function dawnsOwnList(): Promise<{ backend: string; name: string }[]> {
  const said = await request('adapter=\n').then(
    () => '',
    ({ message }: Error) => message,
  );
  const lines = said.matchAll(/backend: '([^']*)', name: '(.*)'$/gm);
  return [...lines].map(([, backend = '', name = '']) => ({ backend, name }));
}
