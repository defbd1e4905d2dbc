// `pv why`: why a claim stands where it does, and what changed since its receipt. Only reads.
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson, printLine } from '../terminal.ts';

interface WhyFlags {
  root: string;
  json?: boolean;
}

const EXAMPLE = `
Example:
  pv why FALSIFY-QDEC-001        what changed, how the level follows, what is missing`;

export function addWhyCommand(program: Command): void {
  program
    .command('why')
    .description('why a claim stands where it does, and what changed since its receipt')
    .argument('<ids...>', 'claim ids or contract names; * stands for anything')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText('after', EXAMPLE)
    .action(async (ids: string[], _flags: unknown, command: Command) => {
      process.exitCode = await runWhy(ids, command.optsWithGlobals<WhyFlags>());
    });
}

async function runWhy(ids: readonly string[], { root, json }: WhyFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const project = runner.openProject(root);
  const claims = new Set(runner.selectClaims(project, ids));
  const { claims: all } = await runner.assessProject(project);
  const statuses = all.filter((status) => claims.has(status.claim));
  if (json === true) {
    printJson({ schemaVersion: 1, claims: statuses.map(runner.whyJson) });
  } else if (statuses.length === 0) {
    printLine(`declined: none of ${all.length} claims matches ${ids.join(', ')}`);
  } else {
    statuses.forEach((status, index) => {
      if (index > 0) printLine('');
      for (const line of runner.whyLines(status)) printLine(line);
    });
  }
  return statuses.length === 0 ? EXIT.declined : EXIT.accepted;
}
