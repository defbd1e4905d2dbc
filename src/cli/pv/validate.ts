// `pv validate`: reads contracts, applies every rule, shows each finding where it stands. Runs nothing and writes
// nothing. How findings are worded is the runner's (contract/rules/); here is how they are laid out.
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { RefuteError } from '../../errors.ts';
import type { PathValidation } from '../../runner/contract/index.ts';
import { wholeOption } from '../options.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson } from '../terminal.ts';
import { codeFrameLines, validationLine, plainLines, skippedText } from './validate-text.ts';

const FORMATS = ['codeframe', 'plain', 'json'] as const;

interface ValidateFlags {
  root: string;
  format: (typeof FORMATS)[number];
  json?: boolean;
  maxProblems: number;
}

const EXAMPLES = `
Examples:
  pv validate                                every contract below contracts/
  pv validate contracts/rmsnorm-v1.yaml      one of them, its links followed into the others
  pv validate contracts --format json        for other programs`;

export function addValidateCommand(program: Command): void {
  program
    .command('validate')
    .description('check contracts: keys, types, rules, links, ids, levels')
    .argument('[paths...]', 'contract files, or folders with all that is below; contracts/ when none is named')
    .addOption(new Option('--format <format>', 'how findings are shown').choices(FORMATS).default('codeframe'))
    .option('--json', 'the same as --format json')
    .addOption(wholeOption('--max-problems <n>', 'findings shown; 0 shows all').default(100))
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], _flags: unknown, command: Command) => {
      assertFlagsFit(paths, command);
      process.exitCode = await runValidate(paths, command.optsWithGlobals<ValidateFlags>());
    });
}

/** Flags that would do nothing beside the others. */
function assertFlagsFit(paths: readonly string[], command: Command): void {
  const isGiven = (name: string): boolean => command.getOptionValueSourceWithGlobals(name) === 'cli';
  const { json, format } = command.opts<ValidateFlags>();
  const isJson = json === true || format === 'json';
  const refuse = (place: string, is: string, allowed: string): never => {
    throw new RefuteError({ code: 'E_USAGE', place, is, allowed });
  };
  if (json === true && format !== 'json' && isGiven('format')) {
    refuse('--json', `--format ${format} is given too`, 'it is another way to say --format json');
  }
  if (isJson && isGiven('maxProblems')) refuse('--max-problems', 'JSON is asked for', 'JSON has every finding');
  if (paths.length > 0 && isGiven('root')) {
    refuse('--root', 'paths are named too', 'it says where contracts/ is when none is named');
  }
}

async function runValidate(paths: readonly string[], flags: ValidateFlags): Promise<ExitCode> {
  const { validatePaths } = await import('../../runner/contract/index.ts');
  const chosen = paths.length === 0 ? [join(flags.root, 'contracts')] : paths;
  const validation = await validatePaths(chosen, {
    // Asked only where a contract claims a level; the rest of the runner is not loaded for less.
    levels: async (...project) => (await import('../../runner/index.ts')).evidenceLevels(...project),
  });
  const isEmpty = validation.contractCount + validation.unreadableCount === 0;
  const format = flags.json === true ? 'json' : flags.format;
  if (format === 'json') printJson(toJson(validation));
  else if (!isEmpty) printText(validation, format, flags.maxProblems);
  if (isEmpty) {
    const found = validation.fileCount === 0 ? 'no YAML file' : skippedText(validation.skipped);
    process.stderr.write(`nothing to validate: ${found} there, no contract\n`);
    return EXIT.declined;
  }
  return validation.counts.errors > 0 ? EXIT.rejected : EXIT.accepted;
}

function printText(validation: PathValidation, format: 'codeframe' | 'plain', maxProblems: number): void {
  const { diagnostics } = validation;
  const shown = maxProblems === 0 ? diagnostics : diagnostics.slice(0, maxProblems);
  const lines = format === 'plain' ? plainLines(validation, shown) : codeFrameLines(shown);
  const hidden = diagnostics.length - shown.length;
  if (hidden > 0) lines.push(`… and ${hidden} more; --max-problems 0 shows all`, '');
  process.stdout.write(`${[...lines, validationLine(validation)].join('\n')}\n`);
}

function toJson(validation: PathValidation): unknown {
  const { diagnostics, counts, links, skipped } = validation;
  return {
    schemaVersion: 1,
    diagnostics,
    counts: {
      ...counts,
      files: validation.fileCount,
      contracts: validation.contractCount,
      unreadable: validation.unreadableCount,
      skipped: skipped.length,
      claims: validation.claimCount,
      boundClaims: validation.boundClaimCount,
    },
    links,
    skipped,
  };
}
