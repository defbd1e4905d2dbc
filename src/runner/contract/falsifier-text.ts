// The text of falsifier modules, in which claims and faults are looked up. It is read and never imported, because
// validating a contract must not run code.
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { projectRootOf } from './project-root.ts';

/** Helpers of one module that are read with it. */
const MAX_HELPERS = 64;

/** A reader that remembers what it has read; make one for each run. */
export function falsifierReader(): (name: string, contractPath: string) => string | undefined {
  const texts = new Map<string, string | undefined>();
  const roots = new Map<string, string>();
  return (name, contractPath) => {
    const folder = dirname(resolve(contractPath));
    const project = roots.get(folder) ?? projectRootOf(contractPath);
    roots.set(folder, project);
    // A module of the folder, or of a folder in it; nothing outside is read.
    if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(name)) return undefined;
    const path = join(project, 'falsifiers', `${name}.ts`);
    if (!texts.has(path)) texts.set(path, moduleText(path));
    return texts.get(path);
  };
}

/** A module and the helpers that it imports from its own folder, in one text. */
function moduleText(entry: string): string | undefined {
  if (!isFile(entry)) return undefined;
  const folder = dirname(entry) + sep;
  const seen = new Set([entry]);
  const texts: string[] = [];
  for (const path of seen) {
    const text = readFileSync(path, 'utf8');
    texts.push(text);
    for (const match of text.matchAll(/\b(?:from\s+|import\()['"](\.{1,2}\/[^'"]+)['"]/g)) {
      const helper = resolve(dirname(path), match[1] ?? '');
      if (helper.startsWith(folder) && isFile(helper) && seen.size < MAX_HELPERS) seen.add(helper);
    }
  }
  return texts.join('\n');
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
