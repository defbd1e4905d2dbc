// What package-lock.json says about an external package and everything it brings: one digest per package that a
// closure names. Read from the lock, so that it is the same on every machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './closure.ts';
import { digestOfJson, type Digest } from './digest.ts';

interface LockEntry {
  version?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export class PackageLock {
  readonly #entries: ReadonlyMap<string, LockEntry>;
  readonly #digests = new Map<string, Digest | null>();

  /** The project's lock; without one, the lock of the checkout that pv runs from. */
  constructor(root: string) {
    const lock = readLock(root) ?? readLock(PACKAGE_ROOT) ?? {};
    this.#entries = new Map(Object.entries(lock));
  }

  /** Digest over place, version and integrity of the package and its dependencies; null when it is not locked. */
  digestOf(name: string): Digest | null {
    const known = this.#digests.get(name);
    if (known !== undefined) return known;
    const places = this.#closureOf(name);
    const facts = [...places].toSorted().map((place) => {
      const { version = '', integrity = '' } = this.#entries.get(place) ?? {};
      return [place, version, integrity];
    });
    const digest = facts.length === 0 ? null : digestOfJson(facts);
    this.#digests.set(name, digest);
    return digest;
  }

  #closureOf(name: string): Set<string> {
    const seen = new Set<string>();
    const waiting = [{ name, from: '' }];
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
      const place = this.#find(item.name, item.from);
      if (place === null || seen.has(place)) continue;
      seen.add(place);
      const { dependencies = {}, optionalDependencies = {} } = this.#entries.get(place) ?? {};
      for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) {
        waiting.push({ name: next, from: place });
      }
    }
    return seen;
  }

  /** As Node looks a package up: nested first, then outwards. */
  #find(name: string, from: string): string | null {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
      const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
      if (this.#entries.has(place)) return place;
      if (folder === '') return null;
    }
  }
}

function readLock(folder: string): Record<string, LockEntry> | null {
  try {
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
      packages?: Record<string, LockEntry>;
    };
    return lock.packages ?? null;
  } catch {
    return null;
  }
}
