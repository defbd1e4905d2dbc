// What pv may do to a contract's text: exactly the value that it sets, in the form that stands there. Judged by the
// `yaml` package, which reads otherwise than the product's own reader, and by comparing text outside of the value.
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, isSeq, parseDocument, type Document, type Pair, type YAMLMap } from 'yaml';
import { RefuteError } from '../../src/errors.ts';
import { applyEdits, type ContractEdit } from '../../src/runner/contract/edit.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SmallProject } from '../kit/claims/evidence-project.ts';
import type { StyledEdit } from './styles.ts';

const isWrong = (isRight: boolean): number => (isRight ? 0 : 1);

/** The map that an edit works in; null where the yaml package finds none. */
function targetOf(document: Document, edit: ContractEdit): YAMLMap | null {
  if (edit.kind === 'version' || edit.kind === 'changelog') {
    const metadata = document.get('metadata');
    return isMap(metadata) ? metadata : null;
  }
  const tests = document.get('falsification_tests');
  const found = isSeq(tests) ? tests.items.find((item) => isMap(item) && item.get('id') === edit.id) : undefined;
  return isMap(found) ? found : null;
}

function keyOf(edit: ContractEdit): string {
  return edit.kind === 'evidence' ? edit.key : edit.kind;
}

function pairOf(map: YAMLMap | null, key: string): Pair | undefined {
  return map?.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** Where a pair stands in the text, from its key to the end of its value with the blank lines and remarks behind. */
function rangeOf(pair: Pair): { start: number; end: number; valueEnd: number } | null {
  const [start] = (pair.key as { range?: number[] }).range ?? [];
  const { range } = (pair.value ?? pair.key) as { range?: number[] };
  if (start === undefined || range === undefined) return null;
  return { start, end: range[2] ?? start, valueEnd: range[1] ?? start };
}

/** Every value but the edited one, as data. */
function others(document: Document, edit: ContractEdit): unknown {
  const map = targetOf(document, edit);
  const position = map?.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === keyOf(edit)) ?? -1;
  if (map !== null && position !== -1) map.items.splice(position, 1);
  return document.toJS();
}

function isIntended(value: unknown, before: unknown, edit: ContractEdit): boolean {
  if (edit.kind === 'status') return value === edit.status;
  if (edit.kind === 'version') return value === edit.version;
  if (edit.kind === 'evidence') {
    const entries = edit.entries.map(({ receipt, digest, figure }) => ({ receipt, digest, figure }));
    if (entries.length === 0) return value === undefined || isDeepStrictEqual(value, []);
    return isDeepStrictEqual(value, entries.length === 1 ? entries[0] : entries);
  }
  if (Array.isArray(value))
    return value.at(-1) === edit.line && (!Array.isArray(before) || value.length >= before.length);
  return typeof value === 'string' && value.trimEnd().split('\n').at(-1) === edit.line;
}

/** Text in front of the edited pair and behind it stands as it stood; where there was no such pair, text was only added. */
function isKeptOutside(before: string, after: string, pair: Pair | undefined, edit: ContractEdit): boolean {
  const range = pair === undefined ? null : rangeOf(pair);
  if (range === null) {
    let front = 0;
    while (front < before.length && before[front] === after[front]) front += 1;
    return after.endsWith(before.slice(front));
  }
  const isRemoval = edit.kind === 'evidence' && edit.entries.length === 0;
  const start = isRemoval ? Math.max(0, before.lastIndexOf('\n', range.start) - 1, 0) : range.start;
  // A removed pair takes its line along; a value that changed leaves the remark behind it.
  const end = isRemoval || edit.kind === 'evidence' ? range.end : range.valueEnd;
  const tail = before.slice(end).replace(/^(?:[ \r]*\n)+/, '');
  return after.startsWith(before.slice(0, start).trimEnd()) && after.endsWith(isRemoval ? tail : before.slice(end));
}

export function countEditFaults({ contract: { text, isCrlf }, edit }: StyledEdit): number {
  let edited: string;
  try {
    edited = applyEdits(text, [edit]);
  } catch (error) {
    if (error instanceof RefuteError) return 1;
    throw error;
  }
  const [before, after] = [parseDocument(text), parseDocument(edited)];
  const map = targetOf(before, edit);
  const pair = pairOf(map, keyOf(edit));
  const value = (document: Document): unknown => {
    const found = pairOf(targetOf(document, edit), keyOf(edit))?.value;
    return found === undefined
      ? undefined
      : (found as { toJS?: (document: Document) => unknown } | null)?.toJS?.(document);
  };
  const isInPlace = isKeptOutside(text, edited, pair, edit);
  const [was, is] = [value(before), value(after)];
  return (
    isWrong(after.errors.length === 0) +
    isWrong(isIntended(is, was, edit)) +
    isWrong(isInPlace) +
    isWrong(!isCrlf || !text.includes('\n') || !edited.replaceAll('\r\n', '').includes('\n')) +
    isWrong(applyEdits(edited, [edit]) === edited) +
    isWrong(isDeepStrictEqual(others(before, edit), others(after, edit)))
  );
}

export const EDIT_CASES = 2;

/** A contract in a layout of its own, through a real run: levels, evidence, version and changelog come, nothing goes. */
export async function measureRunEdits(context: PartContext): Promise<void> {
  const parts = { generated: 'survives', live: 'survives', oracle: 'survives' } as const;
  const project = new SmallProject(context, 'layout', [{ stem: 'odd', parts, faults: ['red'] }]);
  const path = 'contracts/odd-v1.yaml';
  project.edit(
    path,
    'version: "1.0.0"',
    "version: '1.0.0'   # the author's remark\n  changelog: # newest last\n  - \"flush\"",
  );
  project.edit(path, 'threshold: 0,', 'threshold: 0.000e+0,');
  project.edit(path, '    rule:', '\n    # between two keys\n    rule:');
  const before = project.read(path);
  await project.pv('falsify', '--all');
  const after = project.read(path);
  const lines = after.split('\n');
  let at = -1;
  const lost = before.split('\n').filter((line) => {
    const next = lines.indexOf(line, at + 1);
    if (next !== -1) at = next;
    return next === -1;
  });
  const isVersionOnly = lost.length === 1 && lost[0] === "  version: '1.0.0'   # the author's remark";
  context.measure(isWrong(isVersionOnly), `lines that went: ${JSON.stringify(lost)}`);
  const isWritten = ["version: '1.1.0'   # the author's remark", 'status: DISCHARGED', '  - "1.1.0: '].every((text) =>
    after.includes(text),
  );
  context.measure(isWrong(isWritten), 'what was written');
}
