// `apr inspect MODEL`: what a file is and what a forward pass would be told by it, every hyperparameter with where its
// value comes from. Reads the header only; a file that cannot be run is shown as far as it goes, and then fails.
import type { Command } from 'commander';
import type { ConfigValue } from '../../diagnosis/index.ts';
import type { GgufFile, GgufValue, Notice } from '../../engine/index.ts';
import { RefuteError } from '../../errors.ts';
import { createProgram } from '../program.ts';
import { printJson } from '../terminal.ts';

export interface InspectOptions {
  metadata?: true;
  vocab?: true;
  sha256?: true;
  json?: true;
}

const EXAMPLES = `
Sources of a config value: metadata (a key of the file), tensor (read off a tensor), architecture (a rule of it),
default (nothing in the file said so).

Examples:
  $ apr inspect model.gguf
  $ apr inspect model.gguf --metadata
  $ apr inspect model.gguf --json`;

export function inspectCommand(): Command {
  return createProgram('inspect', 'Shows format, config with provenance, tensor types, tokenizer and what looks odd')
    .argument('<model>', 'a GGUF file')
    .option('--metadata', 'also every key of the file')
    .option('--vocab', 'also every token of the vocabulary')
    .option('--sha256', 'also the hash of the whole file')
    .option('--json', 'print JSON only (metadata included)')
    .addHelpText('after', EXAMPLES)
    .action(inspect);
}

/** What `--json` prints and inspect-text.ts shows. */
export interface Inspection {
  schemaVersion: 1;
  path: string;
  format: 'gguf';
  formatVersion: number;
  byteLength: number;
  alignment: number;
  dataOffset: number;
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
  mergeCount: number;
  hasScores: boolean;
  special: { role: string; id: number; text: string | null }[];
  addsBos: boolean | null;
  chatTemplateCharacters: number | null;
}

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const { openFile, parseGguf, sha256File } = await import('../../engine/index.ts');
  const source = await openFile(path);
  let file: GgufFile;
  try {
    file = await parseGguf(source);
  } finally {
    await source.close();
  }
  const { loaded, failure } = await tryLoad(path);
  const inspection: Inspection = {
    schemaVersion: 1,
    path,
    format: 'gguf',
    formatVersion: file.version,
    byteLength: source.byteLength,
    alignment: file.alignment,
    dataOffset: file.dataOffset,
    sha256: options.sha256 === true ? await sha256File(path) : null,
    name: textOf(file, 'general.name'),
    architecture: textOf(file, 'general.architecture'),
    parameterCount: file.tensors.reduce((sum, tensor) => sum + tensor.elementCount, 0),
    tensorCount: file.tensors.length,
    tensorTypes: totalsByType(file),
    config: loaded?.config ?? null,
    shapes: loaded?.shapes ?? null,
    tokenizer: summarizeTokenizer(file),
    notices: loaded?.notices ?? [],
    loadError: failure === null ? null : { code: failure.code, message: failure.message },
    metadata: file.entries.map(({ key, type, elementType, value }) => ({
      key,
      type: elementType === null ? type : `${elementType}[]`,
      value: options.vocab === true || !isLongArray(value) ? value : { elementCount: value.length },
    })),
  };
  if (options.json === true) printJson(inspection);
  else (await import('./inspect-text.ts')).printInspection(inspection, file, options);
  if (failure !== null) throw failure;
}

/** What only an opened model knows; the failure is kept, because the rest of the file can still be shown. */
async function tryLoad(
  path: string,
): Promise<{ loaded: Pick<Inspection, 'config' | 'shapes' | 'notices'> | null; failure: RefuteError | null }> {
  const [{ openModel }, { configEntries }, { countFittingShapes }] = await Promise.all([
    import('../../engine/index.ts'),
    import('../../diagnosis/index.ts'),
    import('./open.ts'),
  ]);
  try {
    const model = await openModel(path);
    const shapes = countFittingShapes(model);
    await model.close();
    return { loaded: { config: configEntries(model), shapes, notices: model.notices }, failure: null };
  } catch (error) {
    if (error instanceof RefuteError) return { loaded: null, failure: error };
    throw error;
  }
}

function totalsByType(file: GgufFile): TensorTypeTotals[] {
  const byType = new Map<string, TensorTypeTotals>();
  for (const { typeLabel, elementCount, byteLength } of file.tensors) {
    const totals = byType.get(typeLabel) ?? { type: typeLabel, tensorCount: 0, elementCount: 0, byteLength: 0 };
    totals.tensorCount += 1;
    totals.elementCount += elementCount;
    totals.byteLength = totals.byteLength === null || byteLength === null ? null : totals.byteLength + byteLength;
    byType.set(typeLabel, totals);
  }
  return [...byType.values()].toSorted((a, b) => (b.byteLength ?? 0) - (a.byteLength ?? 0));
}

const SPECIAL_ROLES = ['bos', 'eos', 'eot', 'eom', 'unknown', 'separator', 'padding'] as const;

function summarizeTokenizer(file: GgufFile): TokenizerSummary | null {
  const model = textOf(file, 'tokenizer.ggml.model');
  if (model === null) return null;
  const tokens = listOf(file, 'tokenizer.ggml.tokens');
  const addsBos = file.metadata.get('tokenizer.ggml.add_bos_token');
  return {
    model,
    preTokenizer: textOf(file, 'tokenizer.ggml.pre'),
    tokenCount: tokens.length,
    mergeCount: listOf(file, 'tokenizer.ggml.merges').length,
    hasScores: listOf(file, 'tokenizer.ggml.scores').length > 0,
    special: SPECIAL_ROLES.flatMap((role) => {
      const id = file.metadata.get(`tokenizer.ggml.${role}_token_id`);
      if (typeof id !== 'number') return [];
      const text = tokens[id];
      return [{ role, id, text: typeof text === 'string' ? text : null }];
    }),
    addsBos: typeof addsBos === 'boolean' ? addsBos : null,
    chatTemplateCharacters: textOf(file, 'tokenizer.chat_template')?.length ?? null,
  };
}

function textOf(file: GgufFile, key: string): string | null {
  const value = file.metadata.get(key);
  return typeof value === 'string' ? value : null;
}

export function listOf(file: GgufFile, key: string): readonly GgufValue[] {
  const value = file.metadata.get(key);
  return Array.isArray(value) ? value : [];
}

/** Longer arrays (vocabularies) are named by their length unless --vocab asks for them. */
const LONG_ARRAY = 64;

function isLongArray(value: GgufValue): value is GgufValue[] {
  return Array.isArray(value) && value.length > LONG_ARRAY;
}
