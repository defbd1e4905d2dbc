// `apr diff A B`: tells by content what the two inputs are and hands them to the comparison for that kind. The
// comparisons are in diff-stage-files.ts, diff-captures.ts and diff-models.ts; nothing is measured here.
import type { Command } from 'commander';
import { RefuteError } from '../../errors.ts';
import { parseCount } from '../options.ts';
import { createProgram, type ExitCode } from '../program.ts';

export interface DiffOptions {
  values?: true;
  limit: number;
  json?: true;
  stage?: string;
  layers?: string;
  tensor?: string;
}

const EXAMPLES = `
A and B are two models, two capture folders (written by apr trace --save-tensor), or two stage files out of them.
  models         config with provenance, metadata, tensor names, types and shapes; --values: every decoded weight
  captures       every stage in order of execution, values always compared; refused where tokens or positions differ
  stage files    header only; --values: every element

Examples:
  $ apr diff a.gguf b.gguf
  $ apr diff a.gguf b.gguf --values --tensor attn_q
  $ apr diff before-trace after-trace --stage attn_norm,ffn_out --layers 0..3
  $ apr diff before-trace/lm_head.bin after-trace/lm_head.bin --values

Exit 0: no difference in what was compared. 1: they differ. 2: not comparable, or nothing was compared.`;

export function diffCommand(): Command {
  return createProgram('diff', 'Compares two models, two captures or two stage files')
    .argument('<a>', 'the reference: NMSE is relative to it')
    .argument('<b>', 'what is compared with it')
    .option('--values', 'compare values too (captures: always)')
    .option('--limit <n>', 'rows of each list to show', parseCount, 10)
    .option('--stage <names>', 'captures: only these stages, comma-separated')
    .option('--layers <list>', 'captures: only these layers, e.g. 0,1,13..15')
    .option('--tensor <substring>', 'models: only tensors whose name contains this')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, options: DiffOptions) => {
      process.exitCode = await diff(a, b, options);
    });
}

type InputKind = 'model' | 'capture' | 'stage file';

async function diff(a: string, b: string, options: DiffOptions): Promise<ExitCode> {
  const [kindA, kindB] = [await inputKind(a), await inputKind(b)];
  if (kindA !== kindB) {
    throw new RefuteError({
      code: 'E_DIFF_MIXED',
      place: `${a}, ${b}`,
      is: `the first is a ${kindA}, the second a ${kindB}`,
      allowed: 'both must be of one kind',
    });
  }
  assertFlagsFit(kindA, options);
  switch (kindA) {
    case 'model':
      return (await import('./diff-models.ts')).diffModels(a, b, options);
    case 'capture':
      return (await import('./diff-captures.ts')).diffCaptures(a, b, options);
    case 'stage file':
      return (await import('./diff-stage-files.ts')).diffStageFiles(a, b, options);
  }
}

/** A folder with tensors is a model, another one is taken for a capture; a file is what its first bytes say. */
async function inputKind(path: string): Promise<InputKind> {
  const { stat } = await import('node:fs/promises');
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) {
    const { readdir } = await import('node:fs/promises');
    const names = await readdir(path);
    return names.some((name) => /\.(gguf|safetensors)$/i.test(name)) ? 'model' : 'capture';
  }
  const { openFile, readFormat } = await import('../../engine/index.ts');
  const source = await openFile(path);
  try {
    const format = await readFormat(source);
    if (format === 'unknown') throw unknownFormat(path);
    return format === 'aprt' ? 'stage file' : 'model';
  } finally {
    await source.close();
  }
}

function unknownFormat(path: string): RefuteError {
  return new RefuteError({
    code: 'E_FORMAT',
    place: path,
    is: 'its first bytes are of no known format',
    allowed: 'a GGUF model, an APRT stage file or a capture folder can be compared',
  });
}

/** A filter that cannot apply to this kind of input is refused. */
function assertFlagsFit(kind: InputKind, options: DiffOptions): void {
  const misplaced = [
    { flag: '--tensor', isGiven: options.tensor !== undefined, kind: 'model' },
    { flag: '--stage', isGiven: options.stage !== undefined, kind: 'capture' },
    { flag: '--layers', isGiven: options.layers !== undefined, kind: 'capture' },
  ].find((entry) => entry.isGiven && entry.kind !== kind);
  if (misplaced === undefined) return;
  throw new RefuteError({
    code: 'E_DIFF_FLAG',
    place: misplaced.flag,
    is: `the inputs are two ${kind}s`,
    allowed: `it selects within ${misplaced.kind}s only`,
  });
}
