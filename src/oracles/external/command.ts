// Any engine that can be started: an argument list, run without a shell, that prints its logits as JSON or writes a
// capture folder. It runs with the user's rights and is trusted that far; what it prints is not, and is checked.
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefuteError } from '../../errors.ts';
import { readLogits } from './command-answer.ts';

export interface CommandOptions {
  /**
   * Program and arguments. In each argument `{model}` becomes the model's path, `{tokens}` the ids as `1,5,9`, `{out}`
   * an empty folder: a command that names it may write a capture there instead of printing.
   */
  argv: readonly string[];
  /** Prints who the engine is; its first line is the version. */
  versionArgv?: readonly string[];
  /** Of one run, all its processes together. */
  timeLimitMs?: number;
  outputLimitBytes?: number;
}

export interface CommandQuestion {
  modelPath: string;
  tokens: readonly number[];
  vocabSize: number;
}

/** Logits after each token, [tokens, vocabulary], or after the last alone; or the folder that was written. */
export type CommandAnswer = { logits: Float64Array; rowCount: number } | { folder: string };

const DEFAULTS = { timeLimitMs: 600_000, outputLimitBytes: 256 * 1024 * 1024 };
const STDERR_LIMIT_BYTES = 64 * 1024 * 1024;
const TAIL_CHARACTERS = 400;

export class CommandEngine {
  readonly #options: CommandOptions & typeof DEFAULTS;
  readonly #digest = createHash('sha256');
  readonly #folders: string[] = [];
  #version = 'unnamed';

  /** @throws RefuteError E_COMMAND_ARGV */
  constructor(options: CommandOptions) {
    for (const argv of [options.argv, options.versionArgv ?? ['-']]) {
      if (argv.length > 0 && argv[0] !== '' && argv.every((text) => !text.includes('\0'))) continue;
      const is = `${JSON.stringify(argv)} names no program`;
      throw new RefuteError({ code: 'E_COMMAND_ARGV', place: 'command', is, allowed: 'program and arguments' });
    }
    this.#options = { ...DEFAULTS, ...options };
  }

  /** For receipts: the argument list as given, the version it told, and the digest of everything it gave so far. */
  identity(): { name: string; version: string; digest: string } {
    const { argv } = this.#options;
    return { name: argv.join(' '), version: this.#version, digest: this.#digest.copy().digest('hex') };
  }

  /**
   * One forward pass.
   *
   * @throws RefuteError E_COMMAND_START, E_COMMAND_TIME, E_COMMAND_EXIT, E_COMMAND_SIZE, E_COMMAND_OUTPUT
   */
  async ask({ modelPath, tokens, vocabSize }: CommandQuestion): Promise<CommandAnswer> {
    const { argv, versionArgv } = this.#options;
    if (versionArgv !== undefined && this.#version === 'unnamed') {
      const [line = ''] = (await this.#run(versionArgv)).trim().split('\n');
      this.#version = line.trim() || 'unnamed';
    }
    const folder = argv.some((text) => text.includes('{out}')) ? await this.#newFolder() : null;
    const values: Record<string, string> = {
      '{model}': modelPath,
      '{tokens}': tokens.join(','),
      ...(folder === null ? {} : { '{out}': folder }),
    };
    const filled = argv.map((text) => text.replaceAll(/\{(?:model|tokens|out)\}/g, (name) => values[name] ?? name));
    const stdout = await this.#run(filled);
    if (folder !== null && (await isFile(join(folder, 'manifest.json')))) {
      this.#digest.update(await readFile(join(folder, 'manifest.json')));
      return { folder };
    }
    this.#digest.update(stdout);
    return readLogits(argv[0] ?? '', stdout, tokens.length, vocabSize);
  }

  /** Removes the folders that answers lie in. */
  async close(): Promise<void> {
    process.removeListener('exit', this.#removeFolders);
    this.#removeFolders();
  }

  /** At once, so that it serves an interrupted program too. */
  readonly #removeFolders = (): void => {
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  };

  async #newFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'refute-command-'));
    if (this.#folders.length === 0) process.once('exit', this.#removeFolders);
    this.#folders.push(folder);
    return folder;
  }

  async #run(argv: readonly string[]): Promise<string> {
    const [program = '', ...rest] = argv;
    const { timeLimitMs, outputLimitBytes } = this.#options;
    const { execa } = await import('execa');
    const isGrouped = process.platform !== 'win32';
    // A group of its own, so that an end reaches the processes that the command has started too.
    const child = execa(program, rest, {
      reject: false,
      stdin: 'ignore',
      stripFinalNewline: false,
      // Collected here: execa puts what it keeps, escaped, into a message, and V8 ends the process where that is too long.
      buffer: { stdout: false },
      maxBuffer: { stderr: STDERR_LIMIT_BYTES },
      detached: isGrouped,
    });
    const end = (): void => {
      try {
        if (isGrouped && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const printed: Uint8Array[] = [];
    let printedBytes = 0;
    child.stdout.on('data', (chunk: Uint8Array) => {
      printedBytes += chunk.byteLength;
      if (printedBytes <= outputLimitBytes) printed.push(chunk);
      else end();
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, timeLimitMs);
    process.once('exit', end);
    try {
      const result = await child;
      if (result.isMaxBuffer) end();
      const said = { place: program, tail: tailOf(result.stderr) };
      if (isLate) throw failure('E_COMMAND_TIME', said, `it was still running after ${timeLimitMs} ms`);
      if (printedBytes > outputLimitBytes || result.isMaxBuffer) {
        throw failure('E_COMMAND_SIZE', said, `it printed more than ${outputLimitBytes} bytes`);
      }
      if (result.exitCode === undefined && result.signal === undefined) {
        const { place } = said;
        const is = `it cannot be started (${result.code ?? result.shortMessage ?? 'unknown'})`;
        throw new RefuteError({ code: 'E_COMMAND_START', place, is, next: 'No shell is involved: give the program' });
      }
      if (result.exitCode !== 0) {
        throw failure('E_COMMAND_EXIT', said, `it ended with ${result.exitCode ?? result.signal}`);
      }
      return Buffer.concat(printed).toString('utf8');
    } finally {
      clearTimeout(timer);
      process.removeListener('exit', end);
    }
  }
}

function failure(code: string, { place, tail }: { place: string; tail: string }, is: string): RefuteError {
  return new RefuteError({ code, place, is: tail === '' ? is : `${is}, saying at the end ${JSON.stringify(tail)}` });
}

function tailOf(stderr: string): string {
  const text = stderr.trimEnd();
  return text.length <= TAIL_CHARACTERS ? text : `…${text.slice(-TAIL_CHARACTERS)}`;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
