// The list of shader files that the processes of one part read: how it is asked for, and what came of it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_ROOT } from '../sources/closure.ts';
import { moduleFile } from '../sources/module-file.ts';

export const SHADER_LOG_VARIABLE = 'REFUTE_SHADER_LOG';

export interface ShaderLog {
  /** To be added to the environment of the child that runs the part. */
  env: Record<string, string>;
  /** From the root of the package, sorted; undefined where none was seen: then it may be any. */
  read(): string[] | undefined;
}

/** @param folder of the caller's, for the list */
export function shaderLog(folder: string): ShaderLog {
  const path = join(folder, 'shaders.log');
  writeFileSync(path, '');
  return {
    env: { ...withPreload(new URL('./shader-log-preload.ts', import.meta.url)), [SHADER_LOG_VARIABLE]: path },
    read() {
      const paths = new Set(readFileSync(path, 'utf8').split('\n').slice(0, -1));
      const names = [...paths].map((file) => relative(PACKAGE_ROOT, file).split(sep).join('/'));
      return names.length === 0 ? undefined : names.toSorted();
    },
  };
}

/** Environment in which every process of Node loads a module first. */
export function withPreload(module: URL): Record<string, string> {
  const preload = pathToFileURL(moduleFile(module)).href;
  return { NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', `--import ${preload}`].join(' ').trim() };
}
