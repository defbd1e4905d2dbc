// `apr diff A B`: tells by content what the two inputs are and hands them to the comparison for that kind. The
// comparisons are in stage-files.ts, captures.ts and models.ts; nothing is measured here.
import type { Command } from 'commander';
import { RefuteError } from '../../../errors.ts';
import { collect, wholeOption } from '../../options.ts';
import { createProgram, type ExitCode } from '../../program.ts';
import { addEngineOptions, requestedEngine, type EngineFlags } from '../engine-option.ts';
import { usage } from '../prompt.ts';
import type { CaptureDiffOptions } from './captures.ts';
import type { ModelDiffOptions } from './models-text.ts';
import type { StageFileDiffOptions } from './stage-files.ts';

type DiffOptions = CaptureDiffOptions & ModelDiffOptions & StageFileDiffOptions & EngineFlags & { tokens?: string };

const EXAMPLES = `
A and B are two models, two recordings of a run, or two stage files. A recording is a folder that apr trace --save-tensor
wrote, a safetensors file or a folder of .npy files; the two may be of different forms (docs/reference-packs.md).
  models         config with provenance, metadata, tensor names, types and shapes; --values: every decoded weight
  recordings     every stage in order of execution, values always compared; refused where tokens or positions differ
  stage files    header only; --values: every element
  --engine       a model stands for a run of it (llama.cpp runs it too), on the tokens of the recording that it is compared with, or on --tokens

Examples:
  $ apr diff a.gguf b.gguf
  $ apr diff a.gguf b.gguf --values --tensor attn_q
  $ apr diff before-trace after-trace --stage attn_norm,q_matmul --layers 0..3
  $ apr diff pack.safetensors our-trace
  $ apr diff their-npy-folder our-trace --map their-names.yaml
  $ apr diff a.gguf before-trace --engine cpu
  $ apr diff a.gguf b.gguf --engine cpu --tokens 1,5,9
  $ apr diff before-trace/lm_head.bin after-trace/lm_head.bin --values

Exit 0: no difference in what was compared. 1: they differ. 2: not comparable, or nothing was compared.`;

export function diffCommand(): Command {
  const command = createProgram('diff', 'Compares two models, two recordings of a run or two stage files')
    .argument('<a>', 'the reference: NMSE is relative to it')
    .argument('<b>', 'what is compared with it');
  return addEngineOptions(command)
    .option('--tokens <ids>', 'two models with --engine: what both are run on')
    .option('--values', 'compare values too (recordings: always)')
    .addOption(wholeOption('--limit <n>', 'rows of each list to show').default(10))
    .option('--stage <names>', 'recordings: only these stages or values, comma-separated')
    .option('--layers <list>', 'recordings: only these layers, e.g. 0,1,13..15')
    .option(
      '--map <name>',
      'recordings: what names mean that are not ours: hf, vllm, llama.cpp or a YAML file; may be repeated',
      collect,
    )
    .option('--tensor <substring>', 'models: only tensors whose name contains this')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, options: DiffOptions) => {
      process.exitCode = await diff(a, b, options);
    });
}

type InputKind = 'model' | 'recording' | 'stage file';

async function diff(a: string, b: string, options: DiffOptions): Promise<ExitCode> {
  const hasMap = options.map !== undefined;
  const [kindA, kindB] = [await inputKind(a, hasMap), await inputKind(b, hasMap)];
  if (options.engine !== undefined || !options.gpu) {
    assertRunsFit([kindA, kindB], options);
    const { diffRuns } = await import('./captures.ts');
    return diffRuns([a, b], [kindA === 'model', kindB === 'model'], options);
  }
  requestedEngine(options);
  if (options.tokens !== undefined) throw usage('--tokens', 'there is no --engine', 'nothing is run without one');
  if (kindA !== kindB) {
    const is = `the first is a ${kindA}, the second a ${kindB}`;
    throw new RefuteError({
      code: 'E_DIFF_MIXED',
      place: `${a}, ${b}`,
      is,
      allowed: 'both must be of one kind',
      ...runHint(kindA, kindB),
    });
  }
  assertFlagsFit(kindA, options);
  switch (kindA) {
    case 'model':
      return (await import('./models.ts')).diffModels(a, b, options);
    case 'recording':
      return (await import('./captures.ts')).diffCaptures(a, b, options);
    case 'stage file':
      return (await import('./stage-files.ts')).diffStageFiles(a, b, options);
  }
}

/** By content. A safetensors file with names that only a map explains is a recording where there is a map. */
async function inputKind(path: string, hasMap: boolean): Promise<InputKind> {
  const { openFile, readFormat } = await import('../../../engine/index.ts');
  const { isRecording } = await import('../../../diagnosis/recordings/index.ts');
  if (await isRecording(path)) return 'recording';
  const { stat } = await import('node:fs/promises');
  if ((await stat(path)).isDirectory()) return 'model';
  const source = await openFile(path);
  try {
    const format = await readFormat(source);
    if (format === 'aprt') return 'stage file';
    if (format === 'unknown' || format === 'npy') throw unknownFormat(path, format);
    return format === 'safetensors' && hasMap ? 'recording' : 'model';
  } finally {
    await source.close();
  }
}

function unknownFormat(path: string, format: 'unknown' | 'npy'): RefuteError {
  return new RefuteError({
    code: 'E_FORMAT',
    place: path,
    is: format === 'npy' ? 'one array says neither stage nor tokens' : 'its first bytes are not of a known format',
    allowed:
      format === 'npy'
        ? 'the folder of it is a recording'
        : 'a model, a recording of a run or an APRT stage file can be compared',
  });
}

function runHint(...kinds: readonly InputKind[]): { next?: string } {
  const isPair = kinds.includes('model') && kinds.includes('recording');
  return isPair ? { next: 'With --engine the model is run on the tokens of the recording' } : {};
}

/** With an engine, a model stands for a run of it. */
function assertRunsFit(kinds: readonly InputKind[], options: DiffOptions): void {
  const models = kinds.filter((kind) => kind === 'model').length;
  if (models === 0) throw usage('--engine', 'there is no model to run', `the inputs are two ${kinds[0]}s`);
  if (kinds.includes('stage file')) {
    throw usage('--engine', 'a stage file is given', 'a run is compared with a recording or another run');
  }
  if (models === 2 && options.tokens === undefined) {
    throw usage('--engine', 'there are no --tokens', 'they say what both models are run on');
  }
  if (models === 1 && options.tokens !== undefined) {
    throw usage('--tokens', 'a recording is given', 'the tokens are those of the recording');
  }
  const misplaced = options.tensor === undefined ? (options.values === true ? '--values' : null) : '--tensor';
  if (misplaced !== null) throw usage(misplaced, 'there is an --engine', 'runs are compared stage by stage');
}

/** A filter that cannot apply to this kind of input is refused. */
function assertFlagsFit(kind: InputKind, options: DiffOptions): void {
  const misplaced = [
    { flag: '--tensor', isGiven: options.tensor !== undefined, kind: 'model' },
    { flag: '--stage', isGiven: options.stage !== undefined, kind: 'recording' },
    { flag: '--map', isGiven: options.map !== undefined, kind: 'recording' },
    { flag: '--layers', isGiven: options.layers !== undefined, kind: 'recording' },
  ].find((entry) => entry.isGiven && entry.kind !== kind);
  if (misplaced === undefined) return;
  const allowed = `it selects within ${misplaced.kind}s only`;
  throw new RefuteError({ code: 'E_DIFF_FLAG', place: misplaced.flag, is: `the inputs are two ${kind}s`, allowed });
}
