// Every CPU build of llama.cpp that runs here, with flash attention off and on, judged by `apr check` on real models with
// its formats inferred: the largest error of every kind of op over its expected budget. Prints the table of
// docs/llama-cpp.md.
//   node bench/llama-cpp-table.ts MODEL… [--variants sse42,zen4] [--positions 17]
import { parseArgs } from 'node:util';
import { checkModel, type OpResult } from '../src/diagnosis/index.ts';
import { findVouchers } from '../src/diagnosis/recordings/index.ts';
import { openModel, type Model } from '../src/engine/index.ts';
import { RefuteError } from '../src/errors.ts';
import { openExecutor } from '../src/executors.ts';
import { findPackageBuild } from '../src/oracles/external/llama-cpp-subject/package-build.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { variants: { type: 'string' }, positions: { type: 'string', default: '17' } },
});
const variants = flags.variants?.split(',') ?? carried();
const TEXT = 'The quick brown fox jumps over the lazy dog, and 12+34 is what? Once upon a time there was';

/** Those of the package; what does not run here is left out as it refuses. */
function carried(): readonly string[] {
  const build = findPackageBuild();
  if ('absent' in build) throw new Error(build.absent);
  return build.variants;
}

interface Row {
  largest: Map<string, number>;
  formats: Set<string>;
  verdicts: string[];
  elements: number;
}

function unrunnable(error: unknown): null {
  if (error instanceof RefuteError && error.code === 'E_SUBJECT_VARIANT') return null;
  throw error;
}

function kindOf({ op, stretch }: OpResult): string {
  return stretch === null ? op : stretch.ops.join('·');
}

async function tokensOf({ text, program }: Model): Promise<number[]> {
  const count = Number(flags.positions);
  if (text.vocabSize === 0) return Array.from({ length: count }, (_, i) => (7919 * i) % program.vocabSize);
  return text.encode(TEXT, { parseSpecial: false, addBos: text.wantsBos }).slice(0, count);
}

const rows = new Map<string, Row>();
for (const path of positionals) {
  const model = await openModel(path);
  const { program, weights } = model;
  const vouchers = await findVouchers(model, undefined, null, () => {});
  const tokens = await tokensOf(model);
  for (const variant of variants) {
    for (const flashAttention of ['off', 'on'] as const) {
      const key = `${variant} | ${flashAttention}`;
      const subject = { modelPath: path, variant, flashAttention };
      const opened = await openExecutor('llama.cpp', program, weights, { subject }).catch(unrunnable);
      if (opened === null) continue;
      const { executor } = opened;
      const none = { original: null, hasFreeRun: false };
      const packs = { verifyOn: vouchers.unquantized?.weights ?? null, packs: vouchers.packs };
      const report = await checkModel({ executor, program, weights, tokens, ...none, ...packs });
      await executor.close();
      const row: Row = rows.get(key) ?? { largest: new Map(), formats: new Set(), verdicts: [], elements: 0 };
      rows.set(key, row);
      row.verdicts.push(report.verdict);
      row.elements += report.coverage.elementCount;
      for (const { text, of } of report.inferred) row.formats.add(of === null ? text : `${text} for ${of}`);
      for (const result of report.results) {
        const kind = kindOf(result);
        row.largest.set(kind, Math.max(row.largest.get(kind) ?? 0, result.rhoExpected));
      }
      process.stderr.write(`${path} ${key}: ${report.sentence}\n`);
    }
  }
  await vouchers.close();
  await model.close();
}

const kinds = [...new Set([...rows.values()].flatMap(({ largest }) => [...largest.keys()]))];
process.stdout.write(`| build | flash attention | ${kinds.join(' | ')} | elements | verdicts |\n`);
process.stdout.write(`| --- | --- |${' --: |'.repeat(kinds.length + 1)} --- |\n`);
for (const [key, { largest, elements, verdicts }] of rows) {
  const cells = kinds.map((kind) => (largest.has(kind) ? (largest.get(kind) ?? 0).toFixed(2) : '—'));
  const counts = [...new Set(verdicts)].map((word) => `${verdicts.filter((one) => one === word).length} ${word}`);
  process.stdout.write(`| ${key} | ${cells.join(' | ')} | ${elements} | ${counts.join(', ')} |\n`);
}
process.stdout.write(
  `\n${[...new Set([...rows.values()].flatMap(({ formats }) => [...formats]))].toSorted().join('\n')}\n`,
);
