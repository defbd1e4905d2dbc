// What `apr check --dump` says of Transformers with known bugs in it, planted in Python by torch_faults.py, in float32
// and in the half type of each model, and of the healthy counterparts. Prints the table of docs/dumps.md.
//   node bench/torch-faults.ts [--python python3] [--out FOLDER]
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { checkDump, type CheckReport } from '../src/diagnosis/index.ts';
import { findVouchers, namesOfProgram, openRecording } from '../src/diagnosis/recordings/index.ts';
import { openModel } from '../src/engine/index.ts';

interface Entry {
  id: string;
  says: string;
  model: string;
  expected: string[];
  dtype: string;
  dump: string;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' }, out: { type: 'string' } } });
const folder = values.out ?? (await mkdtemp(join(tmpdir(), 'torch-faults-')));
await execa(values.python, [join(ROOT, 'bench/torch_faults.py'), '--out', folder], { stdio: ['ignore', 2, 'ignore'] });
const entries = JSON.parse(await readFile(join(folder, 'faults.json'), 'utf8')) as Entry[];

const rows = new Map<string, { entry: Entry; cells: string[] }>();
let [elements, wrong] = [0, 0];
for (const entry of entries) {
  const report = await judged(entry);
  const isHealthy = entry.expected.length === 0;
  if (isHealthy) elements += report.coverage.elementCount;
  const isRight = isHealthy ? report.verdict === 'PASS' : isAt(report, entry.expected);
  if (!isRight) wrong += 1;
  const row = rows.get(entry.id) ?? { entry, cells: [] };
  const place = report.at === null ? '' : ` \`${report.at.value}\``;
  row.cells.push(`${report.verdict}${place}${isRight ? '' : ' **(!)**'}`);
  rows.set(entry.id, { ...row, entry });
}
console.log('| planted | model, half type | where it is | float32 | half |\n| --- | --- | --- | --- | --- |');
for (const { entry, cells } of rows.values()) {
  const { says, model, dtype, expected } = entry;
  const place = expected.map((value) => `\`${value}\``).join(' or ');
  const name = basename(dirname(model));
  console.log(`| ${[says, `${name}, ${dtype}`, place, ...cells].join(' | ')} |`);
}
console.log(`\n${entries.length} dumps, ${wrong} not as expected; ${elements} elements of healthy ones judged`);

async function judged({ model: path, dump: file }: Entry): Promise<CheckReport> {
  const model = await openModel(join(ROOT, path));
  const vouchers = await findVouchers(model, undefined, null, (why) => console.error(why));
  try {
    const { program, weights } = model;
    const dump = await openRecording(join(folder, file), null, namesOfProgram(program));
    const by = {
      original: null,
      verifyOn: vouchers.unquantized?.weights ?? null,
      packs: vouchers.packs,
      hasFreeRun: false,
    };
    return await checkDump({ dump, program, weights, tokens: dump.tokens ?? [], ...by });
  } finally {
    await vouchers.close();
    await model.close();
  }
}

/** Named there, or in a stretch of ops that are judged as one and of which it is a part. */
function isAt({ verdict, at, brackets }: CheckReport, expected: readonly string[]): boolean {
  if (verdict !== 'BUG' && verdict !== 'SUSPECT') return false;
  const stretch = brackets.find(({ upTo }) => upTo === at?.value);
  return [at?.value ?? '', ...(stretch?.covers ?? [])].some((value) => expected.includes(value));
}
