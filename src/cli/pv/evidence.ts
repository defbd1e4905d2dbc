// `pv evidence`: looks at the receipts themselves. Writes nothing; receipts are made by `pv falsify` alone.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { RefuteError } from '../../errors.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson, printLine, printTable, style } from '../terminal.ts';

interface EvidenceFlags {
  root: string;
  base?: string;
  json?: boolean;
}

const EXAMPLE = `
Example:
  pv evidence verify --base origin/main    are all receipts as pv wrote them, and is every refutation still there?`;

export function addEvidenceCommand(program: Command): void {
  const evidence = program
    .command('evidence')
    .description('list, show and verify receipts')
    .addHelpText('after', EXAMPLE);
  evidence
    .command('list')
    .description('every receipt: verdicts, cases, whether it is fresh')
    .option('--json', 'print one JSON document and nothing else')
    .action(async (_flags: unknown, command: Command) => {
      process.exitCode = await listEvidence(command.optsWithGlobals<EvidenceFlags>());
    });
  evidence
    .command('show')
    .description('the findings of a claim, or with --json its receipts')
    .argument('<id>', 'claim id')
    .option('--json', 'print the receipts and nothing else')
    .action(async (id: string, _flags: unknown, command: Command) => {
      process.exitCode = await showEvidence(id, command.optsWithGlobals<EvidenceFlags>());
    });
  evidence
    .command('verify')
    .description('is every receipt as pv wrote it, about a claim that exists, and named rightly in its contract?')
    .option('--base <ref>', 'also: has a receipt or a refutation of this commit vanished?')
    .option('--json', 'print one JSON document and nothing else')
    .action(async (_flags: unknown, command: Command) => {
      process.exitCode = await verifyEvidence(command.optsWithGlobals<EvidenceFlags>());
    });
}

async function listEvidence({ root, json }: EvidenceFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const assessment = await runner.assessProject(runner.openProject(root));
  const rows = runner.receiptRows(assessment);
  if (json === true) {
    printJson({ schemaVersion: 1, receipts: rows });
  } else {
    const columns = ['receipt', 'parts', 'faults', 'freshness', 'digest'];
    const cells = rows.map((row) => [
      row.path,
      row.parts,
      `${row.redFaults}/${row.faults} red`,
      row.isFresh ? 'fresh' : style.yellow('stale'),
      row.digest8,
    ]);
    printTable(columns, cells);
    for (const line of runner.refusalLines(assessment)) printLine(style.red(line));
    printLine(`${rows.length} receipts, ${rows.filter((row) => row.isFresh).length} fresh`);
  }
  return rows.length === 0 ? EXIT.declined : EXIT.accepted;
}

async function showEvidence(id: string, { root, json }: EvidenceFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const project = runner.openProject(root);
  const [claim] = runner.selectClaims(project, [id]);
  if (claim === undefined) throw new RefuteError({ code: 'E_NO_SUCH_CLAIM', place: id, is: 'no claim matches' });
  const receipts = runner.receiptsOfClaim(project.root, claim);
  if (receipts.length === 0) {
    const next = `"pv falsify ${claim.id}" makes one`;
    throw new RefuteError({ code: 'E_NO_RECEIPT', place: claim.id, is: 'there is no receipt', next }, 2);
  }
  if (json === true) {
    printJson(receipts.flatMap(({ receipt }) => (receipt === null ? [] : [receipt])));
  } else {
    const path = join(project.root, runner.claimFolder(claim), runner.FINDINGS_FILE);
    printLine((await readFile(path, 'utf8')).trimEnd());
  }
  for (const { problem } of receipts) if (problem !== null) throw problem;
  return EXIT.accepted;
}

async function verifyEvidence({ root, base, json }: EvidenceFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const report = await runner.runGate(runner.openProject(root), base ?? null);
  const verification = runner.verifyReport(report);
  if (json === true) {
    printJson({ schemaVersion: 1, ...verification });
  } else {
    for (const problem of verification.problems) printLine(style.red(problem));
    const { receipts, problems } = verification;
    const what = problems.length === 0 ? 'as pv wrote them' : `${problems.length} problems`;
    printLine(`${receipts} receipts: ${what}${base === undefined ? '' : `, compared with ${base}`}`);
  }
  if (verification.problems.length > 0) return EXIT.rejected;
  return verification.receipts === 0 ? EXIT.declined : EXIT.accepted;
}
