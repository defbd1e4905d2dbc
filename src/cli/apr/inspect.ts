// `apr inspect MODEL`: what a file is and what a forward pass would be told by it, every hyperparameter with where its
// value comes from; and weights that hold NaN, infinities or one value only, as far as reading them is quick. A file that
// cannot be run is shown as far as it goes, and then fails.
import type { Command } from 'commander';
import type { ConfigValue } from '../../diagnosis/compare/index.ts';
import type { FileTensor, Model, ModelFile, Notice, OddWeights, OddWeightsOptions } from '../../engine/index.ts';
import { RefuteError } from '../../errors.ts';
import { interruptSignal } from '../interrupt.ts';
import { createProgram } from '../program.ts';
import { printJson, Progress } from '../terminal.ts';

export interface InspectOptions {
  metadata?: true;
  vocab?: true;
  sha256?: true;
  weights?: true;
  json?: true;
}

const EXAMPLES = `
Sources of a config value: metadata (a key of the file), tensor (read off a tensor), architecture (a rule of it),
default (nothing in the file said so).

The weights are looked at too, the smallest first, up to 512 MiB; --weights looks at all of them.

Examples:
  $ apr inspect model.gguf
  $ apr inspect model.gguf --metadata
  $ apr inspect model.gguf --json`;

export function inspectCommand(): Command {
  return createProgram('inspect', 'Shows format, config with provenance, tensor types, tokenizer and what looks odd')
    .argument('<model>', 'a GGUF file, or a folder with safetensors and config.json')
    .option('--metadata', 'also every key of the file')
    .option('--vocab', 'also every token of the vocabulary')
    .option('--weights', 'look at every weight for NaN, infinities and matrices of one value, whatever the size')
    .option('--sha256', 'also the hash of the whole file')
    .option('--json', 'print JSON only (metadata included)')
    .addHelpText('after', EXAMPLES)
    .action(inspect);
}

/** What `--json` prints and inspect-text.ts shows. */
export interface Inspection {
  schemaVersion: 1;
  path: string;
  format: Model['format'];
  /** In words. */
  formatText: string;
  /** null where the format has none, or tensors are spread over files. */
  formatVersion: number | null;
  byteLength: number;
  alignment: number | null;
  dataOffset: number | null;
  sha256: string | null;
  name: string | null;
  architecture: string | null;
  parameterCount: number;
  tensorCount: number;
  /** By bytes, largest first. */
  tensorTypes: TensorTypeTotals[];
  /** null where the file cannot be run; `loadError` says why. */
  config: (ConfigValue & { key: string })[] | null;
  shapes: { fitting: number; wanted: number } | null;
  tokenizer: TokenizerSummary | null;
  /** How many tensors were looked at for NaN, infinities and matrices of one value, and which were not. */
  weights: { lookedAt: number; skipped: readonly string[] };
  notices: readonly Notice[];
  loadError: { code: string; message: string } | null;
  metadata: { key: string; type: string; value: unknown }[];
}

interface TensorTypeTotals {
  type: string;
  tensorCount: number;
  elementCount: number;
  /** null where the block layout of the type is unknown. */
  byteLength: number | null;
}

export interface TokenizerSummary {
  model: string;
  preTokenizer: string | null;
  tokenCount: number;
  /** Null where they are not read for this: those of tokenizer.json. */
  mergeCount: number | null;
  hasScores: boolean;
  special: { role: string; id: number; text: string | null }[];
  addsBos: boolean | null;
  chatTemplateCharacters: number | null;
}

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const { openModelFile } = await import('../../engine/index.ts');
  const file = await openModelFile(path);
  try {
    await inspectFile(file, options);
  } finally {
    await file.close();
  }
}

async function inspectFile(file: ModelFile, options: InspectOptions): Promise<void> {
  const { path, format, formatText, container, byteLength, tokenizer, tensors } = file;
  const { loaded, failure } = await tryLoad(path, options);
  const { odd, ...looked } = loaded?.weights ?? (await lookAtWeights({ ...file, program: null }, options));
  const inspection: Inspection = {
    schemaVersion: 1,
    path,
    format,
    formatText,
    formatVersion: container?.version ?? null,
    byteLength,
    alignment: container?.alignment ?? null,
    dataOffset: container?.dataOffset ?? null,
    sha256: options.sha256 === true ? await file.sha256() : null,
    name: textOf(file.metadata, 'general.name') ?? textOf(file.metadata, '_name_or_path'),
    architecture: textOf(file.metadata, 'general.architecture') ?? textOf(file.metadata, 'model_type'),
    parameterCount: tensors.reduce((sum, tensor) => sum + tensor.elementCount, 0),
    tensorCount: tensors.length,
    tensorTypes: totalsByType(tensors),
    config: loaded?.config ?? null,
    shapes: loaded?.shapes ?? null,
    tokenizer: summarizeTokenizer(tokenizer, format),
    weights: looked,
    notices: [...odd.map(({ notice }) => notice), ...(loaded?.notices ?? [])],
    loadError: failure === null ? null : { code: failure.code, message: failure.message },
    metadata: file.entries.map(({ key, type, value }) => ({
      key,
      type,
      value: options.vocab === true || !isLongArray(value) ? value : { elementCount: value.length },
    })),
  };
  if (options.json === true) printJson(inspection);
  else (await import('./inspect-text.ts')).printInspection(inspection, file, options);
  if (failure !== null) throw failure;
}

/** Bytes that are read in a second or so. */
const QUICK_BYTES = 512 * 2 ** 20;

async function lookAtWeights(
  model: Pick<OddWeightsOptions, 'program' | 'weights' | 'tensors'>,
  { weights: isAll }: InspectOptions,
): Promise<OddWeights> {
  const { oddWeights } = await import('../../engine/index.ts');
  const progress = new Progress();
  try {
    return await oddWeights({
      ...model,
      byteLimit: isAll === true ? Infinity : QUICK_BYTES,
      signal: interruptSignal(),
      onProgress: (done, total) => progress.update(`looking at weight ${done + 1}/${total}`),
    });
  } finally {
    progress.clear();
  }
}

interface Loaded extends Pick<Inspection, 'config' | 'shapes' | 'notices'> {
  weights: OddWeights;
}

/** What only an opened model knows; the failure is kept, because the rest of the file can still be shown. */
async function tryLoad(
  path: string,
  options: InspectOptions,
): Promise<{ loaded: Loaded | null; failure: RefuteError | null }> {
  const [{ openModel }, { configEntries }] = await Promise.all([
    import('../../engine/index.ts'),
    import('../../diagnosis/compare/index.ts'),
  ]);
  try {
    const model = await openModel(path);
    try {
      const { shapes, notices } = model;
      const weights = await lookAtWeights(model, options);
      return { loaded: { config: configEntries(model), shapes, notices, weights }, failure: null };
    } finally {
      await model.close();
    }
  } catch (error) {
    if (error instanceof RefuteError) return { loaded: null, failure: error };
    throw error;
  }
}

function totalsByType(tensors: readonly FileTensor[]): TensorTypeTotals[] {
  const byType = new Map<string, TensorTypeTotals>();
  for (const { typeLabel, elementCount, byteLength } of tensors) {
    const totals = byType.get(typeLabel) ?? { type: typeLabel, tensorCount: 0, elementCount: 0, byteLength: 0 };
    totals.tensorCount += 1;
    totals.elementCount += elementCount;
    totals.byteLength = totals.byteLength === null || byteLength === null ? null : totals.byteLength + byteLength;
    byType.set(typeLabel, totals);
  }
  return [...byType.values()].toSorted((a, b) => (b.byteLength ?? 0) - (a.byteLength ?? 0));
}

const SPECIAL_ROLES = ['bos', 'eos', 'eot', 'eom', 'unknown', 'separator', 'padding'] as const;

function summarizeTokenizer(keys: Keys, format: ModelFile['format']): TokenizerSummary | null {
  const model = textOf(keys, 'tokenizer.ggml.model');
  if (model === null) return null;
  const tokens = listOf(keys, 'tokenizer.ggml.tokens');
  const addsBos = keys.get('tokenizer.ggml.add_bos_token');
  return {
    model,
    preTokenizer: textOf(keys, 'tokenizer.ggml.pre'),
    tokenCount: tokens.length,
    mergeCount: format === 'safetensors' ? null : listOf(keys, 'tokenizer.ggml.merges').length,
    hasScores: listOf(keys, 'tokenizer.ggml.scores').length > 0,
    special: SPECIAL_ROLES.flatMap((role) => {
      const id = keys.get(`tokenizer.ggml.${role}_token_id`);
      if (typeof id !== 'number') return [];
      const text = tokens[id];
      return [{ role, id, text: typeof text === 'string' ? text : null }];
    }),
    addsBos: typeof addsBos === 'boolean' ? addsBos : null,
    chatTemplateCharacters: textOf(keys, 'tokenizer.chat_template')?.length ?? null,
  };
}

type Keys = ReadonlyMap<string, unknown>;

function textOf(keys: Keys, key: string): string | null {
  const value = keys.get(key);
  return typeof value === 'string' ? value : null;
}

export function listOf(keys: Keys, key: string): readonly unknown[] {
  const value = keys.get(key);
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** Longer arrays (vocabularies) are named by their length unless --vocab asks for them. */
const LONG_ARRAY = 64;

function isLongArray(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > LONG_ARRAY;
}
