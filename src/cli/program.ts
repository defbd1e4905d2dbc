// How both programs start, fail and end: one commander setup, one place that turns an error into a message and an
// exit code. Commands live in cli/pv and cli/apr, one file each; this file knows none of them.
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { CommanderError, type Command } from 'commander';
import { RefuteError } from '../errors.ts';
import { StrictCommand, usageError } from './command.ts';
import { watchInterrupt } from './interrupt.ts';
import { errorStyle, plainText } from './terminal.ts';

/** DESIGN §7: 0 accepted, 1 rejected (measured, and failed), 2 declined (not measured), 3 error, 130 interrupted. */
export const EXIT = { accepted: 0, rejected: 1, declined: 2, error: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_HELP = `
Exit codes: 0 accepted, 1 rejected (measured, and failed), 2 declined (nothing or not enough was measured),
3 usage, unreadable file or internal error, 130 interrupted.`;

/** A program or subcommand whose usage errors become exit 3 and whose help says what the exit codes mean. */
export function createProgram(name: string, description: string): Command {
  return (
    new StrictCommand(name)
      .description(description)
      .exitOverride()
      // Worded in `report`, like every other error.
      .configureOutput({ outputError: () => undefined })
      .addHelpText('after', EXIT_HELP)
  );
}

/** `--version`: the package is looked up when it is asked for, so that no claim about a command hangs on it. */
function addVersion(program: Command): void {
  program.option('-V, --version', 'print which release this is, and which Node runs it');
  program.on('option:version', () => {
    const path = findPackageJSON(import.meta.url) ?? '';
    const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    process.stdout.write(`${program.name()} ${version} (${name}), Node ${process.versions.node}\n`);
    throw new CommanderError(EXIT.accepted, 'commander.version', '');
  });
}

/** Name of a subcommand -> loads its module, which adds it to the program. */
type Commands = Readonly<Record<string, () => Promise<unknown>>>;

/**
 * Parses, runs the chosen command and ends the process with its exit code. A command sets `process.exitCode` for
 * anything but 0; an error that escapes it is worded here, once, on stderr, without a stack (REFUTE_DEBUG=1 shows it).
 */
export async function runCommandLine(program: Command, argv: readonly string[], commands: Commands): Promise<void> {
  addVersion(program);
  const wasInterrupted = watchInterrupt(EXIT.interrupted);
  // A reader that went away (`pv gate | head`) is not an error: the command still ends with its own verdict.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!['EPIPE', 'ERR_STREAM_DESTROYED'].includes(error.code ?? '')) process.exit(EXIT.error);
  });
  try {
    // Of a named subcommand only its own module is loaded: a claim about `apr diff` does not hang on `apr run`. The
    // list of all of them is needed for --help, and for the error about a name that does not exist.
    const named = Object.entries(commands).filter(([name]) => name === argv[2]);
    for (const [, add] of named.length > 0 ? named : Object.entries(commands)) await add();
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!wasInterrupted()) process.exitCode = report(error);
  }
  // All is cleared up; what a program that was asked is still about is not waited for.
  if (wasInterrupted()) process.exit(EXIT.interrupted);
}

function report(thrown: unknown): ExitCode {
  if (thrown instanceof CommanderError && (thrown.exitCode === 0 || thrown.code === 'commander.help')) {
    return thrown.exitCode === 0 ? EXIT.accepted : EXIT.error;
  }
  const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
  const label = errorStyle.red('error');
  if (error instanceof RefuteError) {
    // Paths and what is quoted out of files may hold what a terminal acts on.
    process.stderr.write(`${label} ${error.code} ${plainText(error.message)}\n`);
  } else {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${label} E_INTERNAL ${text}. This is a bug in the program; REFUTE_DEBUG=1 shows where.\n`);
  }
  if (process.env['REFUTE_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return error instanceof RefuteError ? error.exitCode : EXIT.error;
}
