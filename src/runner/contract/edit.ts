// Changes a contract's text without rewriting it: only the tokens that must change do. Pure; writing the file is the
// caller's. What `pv` may change is the closed list below, everything else in a contract belongs to its author.
import { isDeepStrictEqual } from 'node:util';
import { RefuteError } from '../../errors.ts';
import { appendItem, columnOf, contentEnd, inStyleOf, insertPair, lineBreakAt } from './yaml/edit-pairs.ts';
import { removePair, replaceValue, type Splice } from './yaml/edit-pairs.ts';
import { TEST_IF_FAILS } from './keys.ts';
import { EVIDENCE_KEYS, type EvidenceEntry, type EvidenceKey } from './model.ts';
import { readYaml } from './yaml/read-yaml.ts';
import { formatScalar } from './yaml/write-scalar.ts';
import { asMap, asText, findAnyPair, findNode, findPair, itemsOf, toValue } from './yaml/yaml-node.ts';
import type { PlainValue, YamlMap, YamlPair } from './yaml/yaml-node.ts';

const EVIDENCE_FIELDS = ['receipt', 'digest', 'figure'] as const;

export type ContractEdit =
  /** Sets the `status` of one falsification test. */
  | { kind: 'status'; id: string; status: string }
  /** Replaces what stands under one evidence key of a test; no entries: the key goes. */
  | { kind: 'evidence'; id: string; key: EvidenceKey; entries: readonly EvidenceEntry[] }
  /** Sets metadata.version, in the quotes it has. */
  | { kind: 'version'; version: string }
  /** Adds one line to metadata.changelog, unless it already is the last one. */
  | { kind: 'changelog'; line: string };

/** The new text, read back after every step. Applying the same edits again changes nothing. */
export function applyEdits(source: string, edits: readonly ContractEdit[]): string {
  let text = source;
  for (const edit of edits) {
    const root = parse(text);
    const target = targetOf(root, edit);
    const before = toValue(root);
    const splices = splicesFor(text, target, edit);
    if (splices.length === 0) continue;
    // From the last to the first, so that the remaining offsets stay valid.
    for (const { start, end, text: replacement } of splices.toSorted((a, b) => b.start - a.start)) {
      text = text.slice(0, start) + replacement + text.slice(end);
    }
    confirm(before, text, target, edit);
  }
  return text;
}

function parse(text: string): YamlMap {
  const { root, problems, aliasCount } = readYaml(text);
  const [problem] = problems;
  if (problem !== undefined) throw refusal('this contract', problem.message);
  if (root?.kind !== 'map') throw refusal('this contract', 'it is not a map');
  if (aliasCount > 0) throw refusal('this contract', 'it has aliases, so one text stands for several values');
  return root;
}

function refusal(place: string, is: string): RefuteError {
  return new RefuteError({ code: 'E_CONTRACT_EDIT', place, is, next: 'Nothing was changed' });
}

/** The map that an edit works in, and the way to it in plain values. */
interface Target {
  map: YamlMap;
  path: readonly (string | number)[];
}

function targetOf(root: YamlMap, edit: ContractEdit): Target {
  if (edit.kind === 'version' || edit.kind === 'changelog') {
    const map = asMap(findNode(root, 'metadata'));
    if (map === undefined || map.pairs.length === 0) throw refusal('metadata', 'there is no such map');
    return { map, path: ['metadata'] };
  }
  const tests = itemsOf(findNode(root, 'falsification_tests')).map(asMap);
  const index = tests.findIndex((test) => asText(findNode(test, 'id')) === edit.id);
  const map = tests[index];
  if (map === undefined) throw refusal(edit.id, 'no falsification test has this id');
  return { map, path: ['falsification_tests', index] };
}

function splicesFor(source: string, { map }: Target, edit: ContractEdit): Splice[] {
  switch (edit.kind) {
    case 'status':
      return setText(source, map, 'status', edit.status);
    case 'version':
      return setText(source, map, 'version', edit.version);
    case 'evidence':
      return setEvidence(source, map, edit.key, edit.entries);
    case 'changelog':
      return appendChangelog(source, map, edit.line);
  }
}

function setText(source: string, map: YamlMap, key: string, text: string): Splice[] {
  const pair = findPair(map, key);
  if (pair === undefined) return [insertPair(source, map, predecessor(map, key), key, { inline: formatScalar(text) })];
  if (asText(pair.value) === text) return [];
  return [replaceValue(source, pair, 0, { inline: inStyleOf(pair.value, text) })];
}

/** The pair after which `pv` inserts a key of a test: after if_fails, in the order of the ladder, or the last. */
function predecessor(map: YamlMap, key: string): YamlPair {
  const order: readonly string[] = ['status', ...EVIDENCE_KEYS];
  const before = order.slice(0, Math.max(order.indexOf(key), 0)).toReversed();
  const pair = order.includes(key) ? findAnyPair(map, [...before, ...TEST_IF_FAILS]) : undefined;
  const last = pair ?? map.pairs.at(-1);
  if (last === undefined) throw refusal(key, 'the map it belongs into is empty');
  return last;
}

function setEvidence(source: string, map: YamlMap, key: EvidenceKey, entries: readonly EvidenceEntry[]): Splice[] {
  const pair = findPair(map, key);
  if (entries.length === 0) return pair === undefined ? [] : removalOf(source, map, pair);
  const value = { inline: formatEvidenceFlow(entries), lines: formatEvidenceLines(entries) };
  if (pair === undefined) return [insertPair(source, map, predecessor(map, key), key, value)];
  if (isDeepStrictEqual(toValue(pair.value), evidenceValue(entries))) return [];
  const fieldEdits = entries.length === 1 ? setFields(source, pair, entries[0]) : undefined;
  return fieldEdits ?? [replaceValue(source, pair, columnOf(source, map.start) + 2, value)];
}

function removalOf(source: string, map: YamlMap, pair: YamlPair): Splice[] {
  const isEmptyList = pair.value.kind === 'seq' && pair.value.items.length === 0;
  return isEmptyList ? [] : [removePair(source, map, pair)];
}

/** Where there already is an entry of the same shape, only the texts that differ are replaced. */
function setFields(source: string, pair: YamlPair, entry: EvidenceEntry | undefined): Splice[] | undefined {
  const map = asMap(pair.value);
  if (entry === undefined || map === undefined || map.pairs.length !== EVIDENCE_FIELDS.length) return undefined;
  const pairs = EVIDENCE_FIELDS.map((field) => findPair(map, field));
  if (pairs.some((field) => field === undefined || field.value.kind !== 'scalar')) return undefined;
  return EVIDENCE_FIELDS.flatMap((field) => setText(source, map, field, entry[field]));
}

function evidenceValue(entries: readonly EvidenceEntry[]): PlainValue {
  const values = entries.map(({ receipt, digest, figure }) => ({ receipt, digest, figure }));
  return values.length === 1 ? (values[0] ?? null) : values;
}

function appendChangelog(source: string, map: YamlMap, line: string): Splice[] {
  const pair = findPair(map, 'changelog');
  const quoted = formatScalar(line);
  if (pair === undefined) {
    const value = { inline: `[${quoted}]`, lines: [`- ${quoted}`] };
    return [insertPair(source, map, predecessor(map, 'changelog'), 'changelog', value)];
  }
  const { value } = pair;
  if (value.kind === 'seq') {
    const last = value.items.at(-1);
    if (asText(last) === line) return [];
    return [appendItem(source, value, last === undefined ? quoted : inStyleOf(last, line))];
  }
  if (value.kind === 'scalar' && value.value === null) {
    const indent = columnOf(source, map.start) + 2;
    return [
      replaceValue(source, pair, indent, { inline: `[${quoted}]`, lines: map.isFlow ? undefined : [`- ${quoted}`] }),
    ];
  }
  if (value.kind === 'scalar' && value.style === 'literal') return appendTextLine(source, pair, line);
  throw refusal('metadata.changelog', 'it is neither a list nor a block of text');
}

function appendTextLine(source: string, pair: YamlPair, line: string): Splice[] {
  const text = asText(pair.value) ?? '';
  if (text.trimEnd().split('\n').at(-1) === line) return [];
  const end = contentEnd(source, pair.value);
  const lastLine = source.slice(source.lastIndexOf('\n', end - 1) + 1, end);
  const indent = /^ */.exec(lastLine)?.[0] ?? '';
  return [{ start: end, end, text: `${lineBreakAt(source, end)}${indent}${line}` }];
}

/** Reads the new text back and compares: the intended value there, every other value as it was. */
function confirm(before: PlainValue, text: string, { path }: Target, edit: ContractEdit): void {
  const after = toValue(parse(text));
  const key = edit.kind === 'evidence' ? edit.key : edit.kind;
  const is = valueAt(after, [...path, key]);
  const was = valueAt(before, [...path, key]);
  const isIntended = isDeepStrictEqual(is, intendedValue(was, edit)) || isRemoval(edit, is);
  const [strippedBefore, strippedAfter] = [before, after].map((value) => without(value, [...path, key]));
  if (!isIntended || !isDeepStrictEqual(strippedBefore, strippedAfter)) {
    throw refusal([...path, key].join('.'), 'this place is written in a way that cannot be edited safely');
  }
}

function isRemoval(edit: ContractEdit, is: PlainValue | undefined): boolean {
  return edit.kind === 'evidence' && edit.entries.length === 0 && (is === undefined || isDeepStrictEqual(is, []));
}

function intendedValue(was: PlainValue | undefined, edit: ContractEdit): PlainValue | undefined {
  if (edit.kind === 'status') return edit.status;
  if (edit.kind === 'version') return edit.version;
  if (edit.kind === 'evidence') return evidenceValue(edit.entries);
  if (typeof was === 'string') return was.endsWith('\n') ? `${was}${edit.line}\n` : `${was}\n${edit.line}`;
  return [...(Array.isArray(was) ? was : []), edit.line];
}

function valueAt(value: PlainValue | undefined, path: readonly (string | number)[]): PlainValue | undefined {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return step === undefined ? value : undefined;
  return valueAt((value as { [key: string]: PlainValue })[step], rest);
}

/** A copy without the value at the end of the path. */
function without(value: PlainValue, path: readonly (string | number)[]): PlainValue {
  const copy = structuredClone(value);
  const parent = valueAt(copy, path.slice(0, -1));
  if (typeof parent === 'object' && parent !== null && !Array.isArray(parent)) delete parent[String(path.at(-1))];
  return copy;
}

/** `{receipt: …, digest: …, figure: …}`, or a list of them when there are several. */
function formatEvidenceFlow(entries: readonly EvidenceEntry[]): string {
  const maps = entries.map((entry) => {
    return `{${EVIDENCE_FIELDS.map((field) => `${field}: ${formatScalar(entry[field])}`).join(', ')}}`;
  });
  return maps.length === 1 ? (maps[0] ?? '') : `[${maps.join(', ')}]`;
}

/** The same as lines for below a key, without indentation. */
function formatEvidenceLines(entries: readonly EvidenceEntry[]): string[] {
  const isList = entries.length !== 1;
  return entries.flatMap((entry) =>
    EVIDENCE_FIELDS.map((field, index) => {
      const lead = !isList ? '' : index === 0 ? '- ' : '  ';
      return `${lead}${field}: ${formatScalar(entry[field])}`;
    }),
  );
}
