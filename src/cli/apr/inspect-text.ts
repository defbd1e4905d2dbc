// How `apr inspect` looks on a terminal. Everything shown is in the Inspection; the file is here for the vocabulary.
import { preview, type ConfigValue } from '../../diagnosis/compare/index.ts';
import type { ModelFile } from '../../engine/index.ts';
import { bytesText, countText, fileNumberText, plural } from '../figures.ts';
import { configText, previewText } from './file-values.ts';
import { plainText, printLine, printTable, right, style } from '../terminal.ts';
import { listOf, type Inspection, type InspectOptions, type TokenizerSummary } from './inspect.ts';

export function printInspection(inspection: Inspection, file: ModelFile, options: InspectOptions): void {
  const { path, formatText, byteLength, alignment, dataOffset, sha256, name, architecture } = inspection;
  printLine(style.bold(plainText(path)));
  printFacts([
    [
      'format',
      formatText +
        (dataOffset === null ? '' : `, tensor data from byte ${countText(dataOffset)}`) +
        (alignment === null ? '' : `, aligned to ${alignment}`),
    ],
    ['size', `${bytesText(byteLength)} (${countText(byteLength)} bytes)`],
    ...(sha256 === null ? [] : [['sha256', sha256] as const]),
    ['name', name === null ? '—' : plainText(name)],
    ['architecture', architecture === null ? '—' : plainText(architecture)],
    ['parameters', countText(inspection.parameterCount)],
  ]);
  printConfig(inspection);
  printTypes(inspection);
  printWeights(inspection);
  printTokenizer(inspection.tokenizer);
  if (options.metadata === true) printMetadata(file);
  if (options.vocab === true) printVocabulary(file);
  printNotices(inspection);
}

function printFacts(facts: readonly (readonly [string, string])[]): void {
  const width = Math.max(...facts.map(([label]) => label.length));
  for (const [label, text] of facts) printLine(`  ${label.padEnd(width)}  ${text}`);
}

function printHeading(text: string): void {
  printLine();
  printLine(style.bold(text));
}

function printConfig({ config, shapes }: Inspection): void {
  if (config === null) return;
  printLine();
  printConfigTable(config);
  if (shapes !== null) printLine(`shapes: ${shapes.fitting} of ${shapes.wanted} tensors fit the config`);
}

/** A default stands out: nothing in the file vouches for it. */
export function printConfigTable(config: readonly (ConfigValue & { key: string })[]): void {
  const rows = config.map(({ key, value, provenance: { source, detail } }) => [
    key,
    configText(value),
    source === 'default' ? style.yellow(source) : source,
    plainText(detail),
  ]);
  printTable(['config', right('value'), 'source', 'where'], rows);
}

function printTypes({ tensorTypes, tensorCount, parameterCount }: Inspection): void {
  printHeading('tensors');
  const columns = ['tensors', 'elements', 'bytes', 'bits per element'].map(right);
  const row = (type: string, tensors: number, elements: number, bytes: number | null): string[] => [
    type,
    countText(tensors),
    countText(elements),
    bytes === null ? '—' : countText(bytes),
    bytes === null || elements === 0 ? '—' : ((8 * bytes) / elements).toFixed(2),
  ];
  const rows = tensorTypes.map((totals) =>
    row(totals.type, totals.tensorCount, totals.elementCount, totals.byteLength),
  );
  const byteLength = tensorTypes.reduce<number | null>(
    (sum, totals) => (sum === null || totals.byteLength === null ? null : sum + totals.byteLength),
    0,
  );
  if (rows.length > 1) rows.push(row('all', tensorCount, parameterCount, byteLength));
  printTable(['type', ...columns], rows);
}

function printTokenizer(tokenizer: TokenizerSummary | null): void {
  printHeading('tokenizer');
  if (tokenizer === null) {
    printLine('  none in the file; a prompt can only be given as --tokens');
    return;
  }
  const { model, preTokenizer, tokenCount, mergeCount, hasScores, special, addsBos, chatTemplateCharacters } =
    tokenizer;
  printFacts([
    ['model', plainText(preTokenizer === null ? model : `${model}, pre-tokenizer ${preTokenizer}`)],
    ['tokens', countText(tokenCount)],
    ['merges', mergesText(mergeCount, hasScores)],
    ...special.map(
      ({ role, id, text }) =>
        [role, `${id} ${text === null ? '(not in the vocabulary)' : plainText(JSON.stringify(text))}`] as const,
    ),
    ['adds bos', addsBos === null ? 'not stated' : addsBos ? 'yes' : 'no'],
    ['chat template', chatTemplateCharacters === null ? 'none' : `${countText(chatTemplateCharacters)} characters`],
  ]);
}

function mergesText(count: number | null, hasScores: boolean): string {
  if (count === null) return 'in tokenizer.json, not counted';
  return count > 0 ? countText(count) : hasScores ? 'none; scores decide' : 'none';
}

function printMetadata(file: ModelFile): void {
  printHeading(`metadata (${file.entries.length} keys)`);
  const rows = file.entries.map(({ key, type, value }) => [
    plainText(key),
    plainText(type),
    previewText(preview(value)),
  ]);
  printTable(['key', 'type', 'value'], rows);
}

/** Kinds of `tokenizer.ggml.token_type`, by number. */
const TOKEN_KINDS = ['undefined', 'normal', 'unknown', 'control', 'user-defined', 'unused', 'byte'];

function printVocabulary(file: ModelFile): void {
  const tokens = listOf(file.tokenizer, 'tokenizer.ggml.tokens');
  const kinds = listOf(file.tokenizer, 'tokenizer.ggml.token_type');
  const scores = listOf(file.tokenizer, 'tokenizer.ggml.scores');
  printHeading(`vocabulary (${countText(tokens.length)} tokens)`);
  const rows = tokens.map((token, id) => {
    const score = scores[id];
    return [
      String(id),
      plainText(JSON.stringify(String(token))),
      TOKEN_KINDS[Number(kinds[id])] ?? '—',
      typeof score === 'number' ? fileNumberText(score) : '—',
    ];
  });
  printTable([right('id'), 'token', 'kind', right('score')], rows);
}

/** What was not looked at is said; the notices say what was found. */
function printWeights({ weights: { lookedAt, skipped } }: Inspection): void {
  const [first] = skipped;
  const few = skipped.slice(0, 3).map(plainText).join(', ') + (skipped.length > 3 ? ', …' : '');
  const rest =
    first === undefined ? '' : `, not at ${skipped.length}: ${few} (--weights looks at all that can be decoded)`;
  printLine(`looked at ${plural(lookedAt, 'tensor')} for NaN, infinities and matrices of one value${rest}`);
}

function printNotices({ notices }: Inspection): void {
  if (notices.length === 0) return;
  printHeading('notices');
  for (const { severity, code, message } of notices) {
    const label = severity === 'warning' ? style.yellow(severity) : severity;
    printLine(`  ${label} ${code}: ${plainText(message)}`);
  }
}
