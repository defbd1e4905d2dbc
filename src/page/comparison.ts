// How the page shows a comparison: the verdict first, then the table of positions, or of ops.
import { cosineText, countText, plural, rhoText, smallText } from '../figures.ts';
import { element, table, type TableColumn } from './dom.ts';
import type { CheckFacts, EngineName, FromWorker } from './messages.ts';

type Parity = Extract<FromWorker, { type: 'parity' }>;
type Position = Parity['report']['positions'][number];

const ENGINE_TEXT: Readonly<Record<EngineName, string>> = { webgpu: 'WebGPU', cpu: 'CPU' };

const POSITION_COLUMNS: readonly TableColumn[] = [
  { title: 'position', isNumber: true },
  { title: 'token' },
  { title: 'cosine', isNumber: true },
  { title: 'max|Δ|', isNumber: true },
  { title: 'KL', isNumber: true },
  { title: 'explained', isNumber: true },
  { title: 'GPU − f64', isNumber: true },
  { title: 'CPU − f64', isNumber: true },
];
/** Where both choose alike everywhere, one column says it. */
const SAME_CHOICE: readonly TableColumn[] = [{ title: 'both next' }];
const CHOICES: readonly TableColumn[] = [
  { title: 'WebGPU next' },
  { title: 'CPU next' },
  { title: 'margin', isNumber: true },
  { title: 'spread', isNumber: true },
];

export function parityTable({ report, tokens }: Parity): HTMLElement[] {
  const { counts, meanDistance, positions } = report;
  const isSame = positions.every(({ ours, theirs }) => ours === theirs);
  const tokenText = (id: number | null): HTMLElement =>
    element('code', '', id === null ? '—' : JSON.stringify(tokens[id] ?? String(id)));
  const mean = meanDistance === null ? '' : `, mean KL ${smallText(meanDistance)} nats`;
  const caption = `GPU against CPU: the same next token at ${counts.sameTop} of ${plural(counts.compared, 'position')}${mean}. "explained" is how far the roundings of both may take them apart.`;
  const rows = positions.map((row) => [
    String(row.position),
    tokenText(row.token),
    cosineText(row.cosine, row.maxAbsDifference === 0),
    smallText(row.maxAbsDifference),
    smallText(row.distance),
    smallText(row.explained),
    farText(row.fromExact.ours),
    farText(row.fromExact.theirs),
    tokenText(row.ours),
    ...(isSame
      ? []
      : [
          tokenText(row.theirs),
          row.flip === null ? '' : smallText(row.flip.margin),
          row.flip === null ? '' : smallText(row.flip.spread),
        ]),
    statusText(row),
  ]);
  const columns = [...POSITION_COLUMNS, ...(isSame ? SAME_CHOICE : CHOICES), { title: 'status' }];
  return table('GPU against CPU by position', caption, columns, rows);
}

function farText({ distance, isFar }: Position['fromExact']['ours']): HTMLElement | string {
  return isFar ? element('span', 'bad', `${smallText(distance)} far`) : smallText(distance);
}

function statusText({ status, flip, isGating }: Position): HTMLElement {
  if (!isGating) return element('span', 'doubt', `${status.replace('-', ' ')}, decides nothing`);
  if (status === 'same') return element('span', 'good', flip === null ? 'same' : 'same; other token, explained');
  return element('span', status === 'different' ? 'bad' : 'doubt', status.replace('-', ' '));
}

/** Of one engine, or of both beside each other. */
export function checkTable(checks: ReadonlyMap<EngineName, CheckFacts>): HTMLElement[] {
  const engines = [...checks];
  const [first] = engines;
  if (first === undefined) return [];
  const columns: TableColumn[] = [
    { title: 'op' },
    { title: 'count', isNumber: true },
    ...engines.flatMap(([engine]) => [
      { title: `${ENGINE_TEXT[engine]} max rho`, isNumber: true },
      { title: `${ENGINE_TEXT[engine]} proven`, isNumber: true },
    ]),
    { title: 'status' },
  ];
  const rows = first[1].kinds.map(({ op, count }) => {
    const kinds = engines.map(([engine, { kinds: all }]) => ({ engine, kind: all.find((kind) => kind.op === op) }));
    const faults = kinds.flatMap(({ engine, kind }) =>
      kind === undefined || kind.faultAt === null ? [] : [`${ENGINE_TEXT[engine]}: ${kind.faultAt}`],
    );
    const status = faults.length === 0 ? element('span', 'good', 'within') : element('span', 'bad', faults.join('; '));
    const rhos = kinds.flatMap(({ kind }) =>
      kind === undefined ? ['—', '—'] : [rhoText(kind.rhoExpected), rhoText(kind.rhoProven)],
    );
    return [element('code', '', op), String(count), ...rhos, status];
  });
  const { elementCount, verification } = first[1];
  const caption = `Largest error of each kind of op over its budget, ${countText(elementCount)} elements judged in float64. Above 1, max rho is suspicious and proven is a bug.`;
  return [
    ...table('Every op by its kind', caption, columns, rows),
    element('p', 'caption', `Program: ${verification}.`),
  ];
}

export function parityVerdict({ report: { verdict, sentence } }: Parity): HTMLElement {
  return verdictLine('Parity', verdict, sentence);
}

export function checkVerdict(engine: EngineName, { verdict, sentence }: CheckFacts): HTMLElement {
  return verdictLine(`Every op on ${ENGINE_TEXT[engine]}`, verdict, sentence);
}

function verdictLine(what: string, verdict: string, sentence: string): HTMLElement {
  const className = verdict === 'PASS' ? 'good' : verdict === 'BUG' || verdict === 'DIFFERENT' ? 'bad' : 'doubt';
  const line = element('p', 'verdict', `${what}: `, element('span', className, sentence));
  line.dataset['verdict'] = verdict;
  return line;
}
