// `pv demo`: what a newcomer sees first. A question to the bundled trained model, then every claim of the main
// contract attacked on it, then where all claims stand. It prints what `apr run`, `pv falsify` and `pv status` print;
// no figure is its own.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { RefuteError } from '../../errors.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { printLine, style } from '../terminal.ts';
import { runFalsify } from './falsify.ts';
import { runStatus } from './status.ts';

const MAIN_CONTRACT = 'apr-cli-trace-save-tensor-v1';
const MODEL = 'models/sums-2m/sums-2m.q4_k_m.gguf';
const QUESTION = 'What is 12+34?';

const EXAMPLE = `
Example:
  pv demo          in a checkout; the same as "npm run demo", under a minute`;

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('ask the bundled model, falsify the main contract on it, show where every claim stands')
    .addHelpText('after', EXAMPLE)
    .action(async (_flags: unknown, command: Command) => {
      process.exitCode = await runDemo(command.optsWithGlobals<{ root: string }>().root);
    });
}

async function runDemo(root: string): Promise<ExitCode> {
  if (!existsSync(resolve(root, MODEL))) {
    const next = 'Run "pv demo" in a checkout of the project, or name one with --root';
    throw new RefuteError({ code: 'E_DEMO_MODEL', place: resolve(root, MODEL), is: 'there is no such file', next });
  }
  printCommand(`apr run ${MODEL} "${QUESTION}" --temperature 0`);
  const answered = await ask(root);
  printCommand(`pv falsify ${MAIN_CONTRACT}`);
  const falsified = await runFalsify([MAIN_CONTRACT], { root });
  printCommand('pv status');
  const shown = await runStatus({ root });
  return [answered, falsified, shown].find((code) => code !== EXIT.accepted) ?? EXIT.accepted;
}

function printCommand(line: string): void {
  printLine(style.bold(`\n$ npx ${line}`));
}

/** The real program in a process of its own, as a user starts it. */
async function ask(root: string): Promise<ExitCode> {
  const { execa } = await import('execa');
  const apr = fileURLToPath(new URL('../../../bin/apr.js', import.meta.url));
  const argv = [apr, 'run', MODEL, QUESTION, '--temperature', '0'];
  const { exitCode } = await execa(process.execPath, argv, { cwd: root, reject: false, stdio: 'inherit' });
  return exitCode === 0 ? EXIT.accepted : EXIT.rejected;
}
