// apr: runs, traces, compares and diagnoses models. Commands are in cli/apr, one file each; this file lists them.
import { checkCommand } from './apr/check/check.ts';
import { diffCommand } from './apr/diff/diff.ts';
import { inspectCommand } from './apr/inspect.ts';
import { parityCommand } from './apr/parity/parity.ts';
import { runCommand } from './apr/run/run.ts';
import { tensorsCommand } from './apr/tensors.ts';
import { tokenizeCommand } from './apr/tokenize.ts';
import { traceCommand } from './apr/trace/trace.ts';
import { createProgram, runProgram } from './program.ts';

const program = createProgram('apr', 'Runs, traces, compares and diagnoses language models')
  .addCommand(traceCommand())
  .addCommand(checkCommand())
  .addCommand(diffCommand())
  .addCommand(parityCommand())
  .addCommand(inspectCommand())
  .addCommand(runCommand())
  .addCommand(tensorsCommand())
  .addCommand(tokenizeCommand());

await runProgram(program, process.argv);
