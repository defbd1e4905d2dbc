// Stands between a process and the shader files that it reads. WGSL is text that the product opens, not code that it
// imports, so no load hook sees it. Loaded by preloads alone, before any product module; never part of a user's run.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SHADER_EXTENSION } from '../sources/shader-includes.ts';

/** @param see is given every shader file that is read, and answers the text that the reader gets */
export function interceptShaders(see: (path: string, text: string) => string): void {
  const { readFile } = fs.promises;
  const { readFileSync } = fs;
  const seen = (path: string, bytes: Buffer, options: unknown): Buffer | string => {
    const content = Buffer.from(see(path, bytes.toString('utf8')));
    const encoding = typeof options === 'string' ? options : (options as { encoding?: string } | undefined)?.encoding;
    return encoding === undefined || encoding === null ? content : content.toString(encoding as BufferEncoding);
  };
  fs.promises.readFile = (async (file: unknown, options?: unknown) => {
    const path = shaderPath(file);
    return path === null ? readFile(file as string, options as null) : seen(path, await readFile(path), options);
  }) as typeof readFile;
  fs.readFileSync = ((file: unknown, options?: unknown) => {
    const path = shaderPath(file);
    return path === null ? readFileSync(file as string, options as null) : seen(path, readFileSync(path), options);
  }) as typeof readFileSync;
  syncBuiltinESMExports();
}

/** null for any other file, and for one that is open already. */
function shaderPath(file: unknown): string | null {
  const path = file instanceof URL && file.protocol === 'file:' ? fileURLToPath(file) : file;
  return typeof path === 'string' && path.endsWith(SHADER_EXTENSION) ? resolve(path) : null;
}
