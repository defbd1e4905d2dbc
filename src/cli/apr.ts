// apr: runs, traces, compares and diagnoses models. Commands are in cli/apr, one file each; this file lists them.
import { createProgram, runProgram } from './program.ts';

const program = createProgram('apr', 'Runs, traces, compares and diagnoses language models');

await runProgram(program, process.argv, {
  trace: async () => program.addCommand((await import('./apr/trace.ts')).traceCommand()),
  check: async () => program.addCommand((await import('./apr/check.ts')).checkCommand()),
  diff: async () => program.addCommand((await import('./apr/diff.ts')).diffCommand()),
  parity: async () => program.addCommand((await import('./apr/parity.ts')).parityCommand()),
  inspect: async () => program.addCommand((await import('./apr/inspect.ts')).inspectCommand()),
  run: async () => program.addCommand((await import('./apr/run.ts')).runCommand()),
  tensors: async () => program.addCommand((await import('./apr/tensors.ts')).tensorsCommand()),
  tokenize: async () => program.addCommand((await import('./apr/tokenize.ts')).tokenizeCommand()),
});
