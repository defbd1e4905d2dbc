// How often does the local check cry wolf? Judges healthy runs of the CPU executor on real models, random tokens and
// text, until --checks elements have been looked at, and prints the table of docs/budgets.md: per op the largest error
// over either budget, the group nearest to its limit, and how many op runs were SUSPECT or BUG.
//   node bench/false-alarms.ts [--checks 1e8] MODEL...
import { parseArgs } from 'node:util';
import { Judge, type OpResult } from '../src/diagnosis/check/judge.ts';
import { openCpuExecutor } from '../src/engine/cpu/cpu-executor.ts';
import { openModel, RandomSource, type Model } from '../src/engine/index.ts';

const TEXT =
  'The quick brown fox jumps over the lazy dog. In 1969, humans first walked on the Moon; def main(): return ' +
  'sum(x**2 for x in range(10)) # naïve façade 你好. What is 12+34? Spell lemon backwards. ';

const { values, positionals } = parseArgs({
  options: { checks: { type: 'string', default: '1e8' }, positions: { type: 'string', default: '96' } },
  allowPositionals: true,
});

interface Row {
  runs: number;
  elements: number;
  rhoExpected: number;
  rhoProven: number;
  group: number;
  groupRms: number;
  biasT: number;
  suspects: number;
  bugs: number;
}

const rows = new Map<string, Row>();
const startMs = performance.now();
let total = 0;
for (let round = 0; total < Number(values.checks); round += 1) {
  const path = positionals[round % positionals.length];
  if (path === undefined) throw new Error('which models?');
  const model = await openModel(path);
  const executor = await openCpuExecutor(model.program, model.weights);
  const tokens = tokensOf(model, round);
  const { program, weights } = model;
  const formats = { profile: executor.profile, undeclared: [] };
  const judge = new Judge({ program, weights, tokens, formats, hasFreeRun: false, original: null });
  const session = await executor.openSession(tokens.length);
  await session.run({ tokens, logits: 'none', tap: judge.tap });
  for (const result of judge.finish()) tally(result);
  await executor.close();
  await model.close();
  process.stderr.write(`${path} ${tokens.length} positions: ${total.toExponential(2)} checks\n`);
}
print();

/**
 * Text and random ids in turn, another slice each time; the first token is the model's own start where it has one. A model
 * without a vocabulary gets random ids only.
 */
function tokensOf({ text, program }: Model, round: number): number[] {
  const count = Math.min(Number(values.positions), program.contextLength);
  const start = text.bosId === null || !text.wantsBos ? [] : [text.bosId];
  if (round % 4 < 2 && text.vocabSize > 0) {
    const ids = text.encode(TEXT.slice(7 * round).repeat(4), { parseSpecial: false, addBos: false });
    return [...start, ...ids].slice(0, count);
  }
  const random = new RandomSource(round);
  return [...start, ...Array.from({ length: count }, () => random.nextUint32() % program.vocabSize)].slice(0, count);
}

function tally({ op, elementCount, rhoExpected, rhoProven, group, bias, status }: OpResult): void {
  total += elementCount;
  const row = rows.get(op) ?? {
    runs: 0,
    elements: 0,
    rhoExpected: 0,
    rhoProven: 0,
    group: 0,
    groupRms: 0,
    biasT: 0,
    suspects: 0,
    bugs: 0,
  };
  rows.set(op, {
    runs: row.runs + 1,
    elements: row.elements + elementCount,
    rhoExpected: Math.max(row.rhoExpected, rhoExpected),
    rhoProven: Math.max(row.rhoProven, rhoProven),
    group: Math.max(row.group, group === null ? 0 : group.rms / group.limit),
    groupRms: Math.max(row.groupRms, group?.rms ?? 0),
    biasT: Math.max(row.biasT, Math.abs(bias?.t ?? 0)),
    suspects: row.suspects + (status === 'suspect' ? 1 : 0),
    bugs: row.bugs + (status === 'faulty' ? 1 : 0),
  });
}

function print(): void {
  const lines = [
    '| op | op runs | element checks | max error / expected | / proven | group rms / limit | largest group rms | bias \\|t\\| | SUSPECT | BUG |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...[...rows].map(([op, row]) => {
      const figures = [row.rhoExpected, row.rhoProven, row.group, row.groupRms, row.biasT].map((n) => n.toFixed(4));
      const counts = [row.runs, row.elements].map((n) => n.toLocaleString('en-US'));
      return `| ${op} | ${counts.join(' | ')} | ${figures.join(' | ')} | ${row.suspects} | ${row.bugs} |`;
    }),
  ];
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  process.stdout.write(`${lines.join('\n')}\n\n${total.toLocaleString('en-US')} element checks in ${seconds} s\n`);
}
