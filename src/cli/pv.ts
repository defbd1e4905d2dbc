// The program `pv`: contracts, falsifiers, evidence, gate. One file per command in pv/; each loads what it needs when it
// is run, so that `pv --help` stays instant.
import { createProgram, runProgram } from './program.ts';
import { addFalsifyCommands } from './pv/falsify.ts';

const program = createProgram(
  'pv',
  'Tries to break what the contracts claim, and keeps the evidence of what happened.',
);
program.option('--root <folder>', 'project folder that holds contracts/', '.');
addFalsifyCommands(program);
await runProgram(program, process.argv);
