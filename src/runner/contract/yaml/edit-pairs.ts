// Setting, adding and removing one key of a map in a contract's text, in the map's own form (block or flow),
// indentation and line ending. Each function returns one replacement of text; edit.ts applies and checks it.
import { formatScalar } from './write-scalar.ts';
import type { YamlMap, YamlNode, YamlPair, YamlSeq } from './yaml-node.ts';

/** `source` with [start, end) replaced by `text`. */
export interface Splice {
  start: number;
  end: number;
  text: string;
}

/** A value to write: one line for flow form, lines (without indentation) for block form where it does not fit. */
export interface NewValue {
  inline: string;
  lines?: readonly string[] | undefined;
}

/** Column of a node, from 0: the indentation of the keys of a map, of the dashes of a list. */
export function columnOf(source: string, start: number): number {
  return start - (source.lastIndexOf('\n', start - 1) + 1);
}

/** Offset of the line break that ends the line of `offset`, or the end of the text. */
function lineEnd(source: string, offset: number): number {
  const newline = source.indexOf('\n', offset);
  if (newline === -1) return source.length;
  return newline > offset && source[newline - 1] === '\r' ? newline - 1 : newline;
}

/** The line break in use around `offset`. */
export function lineBreakAt(source: string, offset: number): string {
  const next = source.indexOf('\n', offset);
  const newline = next === -1 ? source.lastIndexOf('\n') : next;
  return newline > 0 && source[newline - 1] === '\r' ? '\r\n' : '\n';
}

/** Where the text of a value ends, without the line break that ends a block scalar. */
export function contentEnd(source: string, node: YamlNode): number {
  if (node.kind === 'map' && !node.isFlow && node.pairs.length > 0) {
    return Math.max(...node.pairs.map((pair) => contentEnd(source, pair.value)));
  }
  if (node.kind === 'seq' && !node.isFlow && node.items.length > 0) {
    return Math.max(...node.items.map((item) => contentEnd(source, item)));
  }
  let { end } = node;
  if (node.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded') && source[end - 1] === '\n') {
    end -= source[end - 2] === '\r' ? 2 : 1;
  }
  return end;
}

/** Puts `value` where the pair's value stands. */
export function replaceValue(source: string, pair: YamlPair, indent: number, value: NewValue): Splice {
  const node = pair.value;
  const end = contentEnd(source, node);
  const keyLineEnd = lineEnd(source, pair.key.end);
  const isMissing = node.start === node.end;
  if (value.lines !== undefined && !isFlowed(node) && (isMissing || node.start > keyLineEnd)) {
    // A comment behind the key stays there.
    return {
      start: keyLineEnd,
      end: Math.max(end, keyLineEnd),
      text: indentLines(source, keyLineEnd, indent, value.lines),
    };
  }
  if (isMissing) return { start: node.start, end: node.start, text: ` ${value.inline}` };
  return { start: node.start, end, text: value.inline };
}

function isFlowed(node: YamlNode): boolean {
  return node.kind !== 'scalar' && node.isFlow;
}

/** Adds `key: value` behind the pair `after` of the map. */
export function insertPair(source: string, map: YamlMap, after: YamlPair, key: string, value: NewValue): Splice {
  const end = contentEnd(source, after.value);
  if (map.isFlow) return { start: end, end, text: `, ${key}: ${value.inline}` };
  const at = after.value.kind === 'scalar' && end !== after.value.end ? end : lineEnd(source, end);
  const indent = columnOf(source, map.start);
  const ownLine = value.lines === undefined ? `${key}: ${value.inline}` : `${key}:`;
  const below = (value.lines ?? []).map((line) => `  ${line}`);
  return { start: at, end: at, text: indentLines(source, at, indent, [ownLine, ...below]) };
}

/** Takes a pair out with its line, or with its comma; the first key of a list item stays, as an empty list. */
export function removePair(source: string, map: YamlMap, pair: YamlPair): Splice {
  const index = map.pairs.indexOf(pair);
  const end = contentEnd(source, pair.value);
  if (map.isFlow) {
    const next = map.pairs[index + 1];
    if (next !== undefined) return { start: pair.key.start, end: next.key.start, text: '' };
    const previous = map.pairs[index - 1];
    return { start: previous === undefined ? pair.key.start : contentEnd(source, previous.value), end, text: '' };
  }
  if (index === 0) return replaceValue(source, pair, 0, { inline: '[]' });
  // Whole lines, each with the break that ends it: the break before belongs to the value above (`|+` keeps it).
  const newline = source.indexOf('\n', end);
  const lineStart = source.lastIndexOf('\n', pair.key.start) + 1;
  const next = newline === -1 ? source.length : newline + 1;
  const previous = map.pairs[index - 1]?.value;
  // Behind a block scalar the blank lines go too, or they would become part of it.
  const blank =
    previous !== undefined && endsInBlockScalar(previous) ? /^(?:[ \r]*\n)*/.exec(source.slice(next)) : null;
  return { start: lineStart, end: next + (blank?.[0].length ?? 0), text: '' };
}

function endsInBlockScalar(node: YamlNode): boolean {
  if (node.kind === 'scalar') return node.style === 'literal' || node.style === 'folded';
  const last = node.kind === 'map' ? node.pairs.at(-1)?.value : node.items.at(-1);
  return last !== undefined && endsInBlockScalar(last);
}

/** Adds an item behind the last one of a list. */
export function appendItem(source: string, list: YamlSeq, text: string): Splice {
  const last = list.items.at(-1);
  if (list.isFlow || last === undefined) {
    // In `[]` and `[a, ]` alike, directly behind the last item or the bracket.
    const at = last === undefined ? list.start + 1 : contentEnd(source, last);
    return { start: at, end: at, text: last === undefined ? text : `, ${text}` };
  }
  const end = contentEnd(source, last);
  const at = last.kind === 'scalar' && end !== last.end ? end : lineEnd(source, end);
  return { start: at, end: at, text: indentLines(source, at, columnOf(source, list.start), [`- ${text}`]) };
}

/** The lines, each with a line break and indentation before it, to be inserted at the end of a line. */
function indentLines(source: string, at: number, indent: number, lines: readonly string[]): string {
  const lineBreak = lineBreakAt(source, at);
  return lines.map((line) => `${lineBreak}${' '.repeat(indent)}${line}`).join('');
}

/** `text`, quoted as the node is now. */
export function inStyleOf(node: YamlNode, text: string): string {
  const style = node.kind === 'scalar' ? node.style : 'plain';
  return formatScalar(text, style === 'literal' || style === 'folded' ? 'plain' : style);
}
