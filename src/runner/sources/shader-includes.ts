// What a WGSL file takes in: lines `// include lib/x`, files relative to the folder wgsl/ that it lies in. A segment TYPE is
// the tensor type of the weights that a kernel is compiled for, so it stands for every file of its folder; `lib/lanes`, where there
// is no such file, for `lib/lanes-subgroup` and its like. Reads text and the names in a folder; follows nothing.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

export const SHADER_EXTENSION = '.wgsl';
const FOLDER = 'wgsl';

/** @param path absolute, of the shader. @returns absolute paths */
export function shaderIncludes(source: string, path: string): string[] {
  const home = homeOf(path);
  return [...source.matchAll(/^\/\/ include (\S+)$/gm)].flatMap(([, name = '']) => {
    const file = join(home, ...name.split('/'));
    if (name.split('/').includes('TYPE')) return shadersIn(dirname(file));
    const exact = `${file}${SHADER_EXTENSION}`;
    return existsSync(exact)
      ? [exact]
      : [exact, ...shadersIn(dirname(file)).filter((path) => path.startsWith(`${file}-`))];
  });
}

/** The nearest folder of that name above it; its own where there is none. */
function homeOf(path: string): string {
  const segments = dirname(path).split(sep);
  const at = segments.lastIndexOf(FOLDER);
  return at === -1 ? dirname(path) : segments.slice(0, at + 1).join(sep);
}

function shadersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(SHADER_EXTENSION));
  return names.toSorted().map((name) => join(folder, name));
}
