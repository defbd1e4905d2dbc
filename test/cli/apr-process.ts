// Starts the real `apr` as a child process, as a shell would, and hands back what it said. Used by the CLI tests.
import { execa } from 'execa';

export const LAUNCHER: string = new URL('../../bin/apr.js', import.meta.url).pathname;

export interface Said {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** Without a terminal and without colour variables, so that only a test that sets one sees colour. */
export async function apr(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = process.cwd(),
): Promise<Said> {
  const { NO_COLOR: _, FORCE_COLOR: __, ...rest } = process.env;
  const { exitCode, stdout, stderr } = await execa(process.execPath, [LAUNCHER, ...args], {
    reject: false,
    env: { ...rest, ...env },
    extendEnv: false,
    cwd,
    stdin: 'ignore',
  });
  return { exitCode, stdout, stderr };
}

/** Parses stdout, which must be one JSON document and nothing else. */
export async function aprJson(args: readonly string[]): Promise<{ said: Said; json: Json }> {
  const said = await apr([...args, '--json']);
  return { said, json: JSON.parse(said.stdout) as Json };
}

/** Looked at by key and compared; a test that reads a wrong key compares undefined and fails. */
export type Json = Record<string, unknown>;
