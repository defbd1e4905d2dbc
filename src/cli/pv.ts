// The program `pv`: contracts, falsifiers, evidence, gate. One file per command in pv/; each loads what it needs when
// it is run, so that `pv --help` stays instant.
import { createProgram, runProgram } from './program.ts';
import { addDemoCommand } from './pv/demo.ts';
import { addEvidenceCommand } from './pv/evidence.ts';
import { addFalsifyCommands } from './pv/falsify.ts';
import { addGateCommand } from './pv/gate.ts';
import { addStatusCommands } from './pv/status.ts';
import { addValidateCommand } from './pv/validate.ts';

const program = createProgram(
  'pv',
  'Tries to break what the contracts claim, and keeps the evidence of what happened.',
);
program.option('--root <folder>', 'project folder that holds contracts/', '.');
addValidateCommand(program);
addFalsifyCommands(program);
addStatusCommands(program);
addGateCommand(program);
addEvidenceCommand(program);
addDemoCommand(program);
await runProgram(program, process.argv);
