// Where `apr run` keeps what its parity gate found: a file a verdict, in the user's folder for caches.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { GateStore } from '../../../diagnosis/parity-gate/index.ts';
import { writeFileAtomic } from '../../../engine/index.ts';
import { warn } from '../open.ts';

export function openGateStore(): GateStore {
  const folder = join(cacheFolder(), 'refute', 'parity-gate');
  return {
    read: (key) => readFile(join(folder, `${key}.json`), 'utf8').catch(() => null),
    // A verdict that cannot be kept is found again.
    write: (key, text) =>
      writeFileAtomic(join(folder, `${key}.json`), text).catch(({ message }: Error) =>
        warn('warning', `the parity gate's verdict is not kept: ${message}`),
      ),
  };
}

/** XDG_CACHE_HOME counts where it is absolute, as its specification says. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME: xdg = '', LOCALAPPDATA: local } = process.env;
  if (isAbsolute(xdg)) return xdg;
  return process.platform === 'win32' && local !== undefined ? local : join(homedir(), '.cache');
}
