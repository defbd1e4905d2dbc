// How a falsifier writes the faults down that it plants in product files. Known bugs have a name in the catalogue:
// known-faults.ts.
import type { PlantedFault } from '../../../src/runner/run/falsifier.ts';

interface Change {
  about: Omit<PlantedFault, 'inject'>;
  file: string;
  find: string[];
  replace: string[];
}

/**
 * Reads faults from lines: a file from the project root, then `size id: title` for each fault in it (`size id in part:`
 * where another part than the generated one must see it), the text that stands there once behind `- `, its replacement
 * behind `+ `.
 */
export function plants(lines: TemplateStringsArray): PlantedFault[] {
  const changes: Change[] = [];
  let file = '';
  for (const line of lines.join('').split('\n').slice(1, -1)) {
    const [, sign, text = ''] = /^ *([-+])(?: (.*))?$/.exec(line) ?? [];
    const [, size, id, part, title] = /^ *(gross|small) (\S+)(?: in (live|oracle))?: (.*)$/.exec(line) ?? [];
    const change = changes.at(-1);
    if (sign !== undefined && change !== undefined) change[sign === '-' ? 'find' : 'replace'].push(text);
    else if (id !== undefined && file !== '') {
      const about = { id, title, size, ...(part && { part }) } as Change['about'];
      changes.push({ about, file, find: [], replace: [] });
    } else if (/^ *\S+\.[a-z]+$/.test(line)) file = line.trim();
    else throw new Error(`a planted fault cannot be read: ${line}`);
  }
  const empty = changes.find(({ find }) => find.length === 0);
  if (empty !== undefined) throw new Error(`the planted fault ${empty.about.id} has no text to replace`);
  return changes.map(({ about, file: of, find, replace }) => ({
    ...about,
    inject: { kind: 'source', file: of, find: find.join('\n'), replace: replace.join('\n') },
  }));
}
