// The program `pv`: contracts, falsifiers, evidence, gate. Lists the commands, which are in cli/pv, one file each.
import { createProgram, runCommandLine } from './program.ts';

const program = createProgram(
  'pv',
  'Tries to break what the contracts claim, and keeps the evidence of what happened.',
);
program.option('--root <folder>', 'project folder that holds contracts/', '.');

await runCommandLine(program, process.argv, {
  validate: async () => (await import('./pv/validate.ts')).addValidateCommand(program),
  falsify: async () => (await import('./pv/falsify.ts')).addFalsifyCommand(program),
  replay: async () => (await import('./pv/replay.ts')).addReplayCommand(program),
  status: async () => (await import('./pv/status.ts')).addStatusCommand(program),
  why: async () => (await import('./pv/why.ts')).addWhyCommand(program),
  impact: async () => (await import('./pv/impact.ts')).addImpactCommand(program),
  gate: async () => (await import('./pv/gate.ts')).addGateCommand(program),
  evidence: async () => (await import('./pv/evidence.ts')).addEvidenceCommand(program),
  demo: async () => (await import('./pv/demo.ts')).addDemoCommand(program),
});
