// apr: runs, traces, compares and diagnoses models. Commands are in cli/apr, one file each; this file lists them.
import { createProgram, runCommandLine } from './program.ts';

const program = createProgram('apr', 'Runs, traces, compares and diagnoses language models');

await runCommandLine(program, process.argv, {
  trace: async () => program.addCommand((await import('./apr/trace/trace.ts')).traceCommand()),
  check: async () => program.addCommand((await import('./apr/check/check.ts')).checkCommand()),
  diff: async () => program.addCommand((await import('./apr/diff/diff.ts')).diffCommand()),
  parity: async () => program.addCommand((await import('./apr/parity/parity.ts')).parityCommand()),
  inspect: async () => program.addCommand((await import('./apr/inspect.ts')).inspectCommand()),
  bench: async () => program.addCommand((await import('./apr/bench/bench.ts')).benchCommand()),
  run: async () => program.addCommand((await import('./apr/run/run.ts')).runCommand()),
  tensors: async () => program.addCommand((await import('./apr/tensors.ts')).tensorsCommand()),
  tokenize: async () => program.addCommand((await import('./apr/tokenize.ts')).tokenizeCommand()),
});
