// Reads the YAML that contracts are written in: block maps and lists, plain and quoted scalars, block scalars, one-line
// flow collections, comments. Several times as fast as the full reader because it builds our tree in one pass.
//
// It never guesses: at anything else (anchors, tags, tabs, several documents, quotes over lines, every kind of error) it
// gives up and the full reader decides. What it does answer equals the full reader's tree; a property test compares them.
import {
  BAR,
  COLON,
  Cursor,
  giveUp,
  GREATER,
  HASH,
  NEWLINE,
  OPEN_LIST,
  OPEN_MAP,
  SPACE,
  UNUSUAL,
} from './yaml-fast-cursor.ts';
import { parseFlowNode } from './yaml-fast-flow.ts';
import { inFileOrder, type YamlKey, type YamlMap, type YamlNode, type YamlPair } from './yaml-node.ts';
import type { YamlReading, YamlScalar } from './yaml-node.ts';
import { joinFolded, joinLiteral, joinPlain, resolvePlain } from './yaml-scalars.ts';

/** YAML's own limit for a key on one line is 1024. */
const MAX_KEY_LENGTH = 1000;

/** The tree, or nothing when the text holds anything that is not read here. */
export function readYamlQuickly(source: string): YamlReading | undefined {
  if (/[\t\r\uFEFF]/.test(source)) return undefined;
  try {
    return readDocument(new Cursor(source));
  } catch (error) {
    if (error === UNUSUAL) return undefined;
    throw error;
  }
}

function readDocument(cursor: Cursor): YamlReading {
  // One `---` before the content is usual; any other marker is left to the full reader.
  cursor.at = /^(?: *(?:#[^\n]*)?\n)*---\n/.exec(cursor.source)?.[0].length ?? 0;
  cursor.lineStart = cursor.at;
  cursor.toContent();
  // A bare scalar or flow collection as a whole document is no contract.
  if (cursor.indent < 0 || !startsCollection(cursor)) giveUp();
  const root = parseNode(cursor, cursor.indent, -1, 0);
  if (cursor.indent !== -1) giveUp();
  return { root, duplicates: inFileOrder(cursor.duplicates), problems: [], aliasCount: 0 };
}

function startsCollection(cursor: Cursor): boolean {
  return cursor.isDash() || keyColon(cursor) !== -1;
}

/** The node whose first character is at the cursor. `parentIndent` is the column that its further lines must exceed. */
function parseNode(cursor: Cursor, column: number, parentIndent: number, depth: number): YamlNode {
  if (cursor.isDash()) return parseList(cursor, column, depth);
  const colon = keyColon(cursor);
  return colon === -1 ? parseScalarOrFlow(cursor, parentIndent, depth) : parseMap(cursor, column, colon, depth);
}

function parseList(cursor: Cursor, column: number, depth: number): YamlNode {
  cursor.countNode(depth);
  const start = cursor.at;
  const items: YamlNode[] = [];
  while (cursor.indent === column && cursor.isDash()) {
    cursor.at += 1;
    cursor.skipSpaces();
    // `-` alone, with its value below or none.
    if (cursor.isLineEnd(cursor.at) || cursor.code() === HASH) giveUp();
    const itemColumn = cursor.at - cursor.lineStart;
    cursor.indent = itemColumn;
    items.push(parseNode(cursor, itemColumn, column, depth + 1));
    if (cursor.indent > column) giveUp();
  }
  return { kind: 'seq', items, isFlow: false, start, end: items.at(-1)?.end ?? start };
}

function parseMap(cursor: Cursor, column: number, firstColon: number, depth: number): YamlMap {
  cursor.countNode(depth);
  const start = cursor.at;
  const pairs: YamlPair[] = [];
  for (let colon = firstColon; ;) {
    const key = takeKey(cursor, colon);
    pairs.push({ key, value: parseMapValue(cursor, column, depth) });
    if (cursor.indent > column) giveUp();
    if (cursor.indent < column || cursor.isDash()) break;
    colon = keyColon(cursor);
    if (colon === -1) giveUp();
  }
  cursor.findDuplicates(pairs);
  return { kind: 'map', pairs, isFlow: false, start, end: pairs.at(-1)?.value.end ?? start };
}

/** Behind the colon of a key that stands at `column`. */
function parseMapValue(cursor: Cursor, column: number, depth: number): YamlNode {
  const afterColon = cursor.at;
  cursor.skipSpaces();
  if (!cursor.isLineEnd(cursor.at) && cursor.code() !== HASH) {
    if (cursor.isDash()) giveUp();
    return parseScalarOrFlow(cursor, column, depth + 1);
  }
  cursor.endLine();
  if (cursor.indent > column) {
    // The library refuses a text below a comment below its key, though YAML allows it; one answer for both readers.
    if (cursor.isAfterComment && !startsCollection(cursor)) giveUp();
    return parseNode(cursor, cursor.indent, column, depth + 1);
  }
  if (cursor.indent === column && cursor.isDash()) return parseList(cursor, column, depth + 1);
  cursor.countNode(depth);
  return { kind: 'scalar', value: null, style: 'plain', start: afterColon, end: afterColon };
}

/** Offset of the colon when the cursor begins `key:` on this line, else -1. */
function keyColon(cursor: Cursor): number {
  if (cursor.isQuote()) {
    let after = cursor.quoteEnd(cursor.at);
    while (cursor.source.charCodeAt(after) === SPACE) after += 1;
    return cursor.source.charCodeAt(after) === COLON && cursor.isBlank(after + 1) ? after : -1;
  }
  if (!cursor.isPlainStart()) return -1;
  for (let at = cursor.at; ; at += 1) {
    const code = cursor.source.charCodeAt(at);
    if (code === COLON && cursor.isBlank(at + 1)) {
      if (at - cursor.at > MAX_KEY_LENGTH) giveUp();
      return at;
    }
    if (at >= cursor.length || code === NEWLINE) return -1;
    if (code === HASH && cursor.source.charCodeAt(at - 1) === SPACE) return -1;
  }
}

function takeKey(cursor: Cursor, colon: number): YamlKey {
  const start = cursor.at;
  let text: string;
  let end: number;
  if (cursor.isQuote()) {
    end = cursor.quoteEnd(start);
    text = cursor.unquote(start, end);
  } else {
    end = colon;
    while (cursor.source.charCodeAt(end - 1) === SPACE) end -= 1;
    text = cursor.source.slice(start, end);
  }
  cursor.at = colon + 1;
  return { text, start, end };
}

function parseScalarOrFlow(cursor: Cursor, parentIndent: number, depth: number): YamlNode {
  const first = cursor.code();
  if (first === BAR || first === GREATER) {
    cursor.countNode(depth);
    return parseBlockScalar(cursor, parentIndent, first === BAR);
  }
  if (!cursor.isQuote() && first !== OPEN_LIST && first !== OPEN_MAP) return parsePlain(cursor, parentIndent, depth);
  const node = parseFlowNode(cursor, depth);
  const end = cursor.at;
  cursor.skipSpaces();
  if (!cursor.isLineEnd(cursor.at) && (cursor.code() !== HASH || cursor.at === end)) giveUp();
  cursor.endLine();
  // `"a"` or `[a]` and then a deeper line: not YAML.
  if (cursor.indent > parentIndent && parentIndent !== -1) giveUp();
  return node;
}

function parsePlain(cursor: Cursor, parentIndent: number, depth: number): YamlScalar {
  cursor.countNode(depth);
  const start = cursor.at;
  let end = plainLine(cursor);
  cursor.endLine();
  if (cursor.indent <= parentIndent || cursor.indent === -1) {
    const text = cursor.source.slice(start, end);
    return { kind: 'scalar', value: resolvePlain(text), style: 'plain', start, end };
  }
  const lines = [cursor.source.slice(start, end)];
  while (cursor.indent > parentIndent) {
    // A comment ends a plain scalar, so deeper text behind it is an error.
    if (cursor.isAfterComment) giveUp();
    const blankCount = countBreaks(cursor, end, cursor.at) - 1;
    for (let blank = 0; blank < blankCount; blank += 1) lines.push('');
    const lineBegin = cursor.at;
    end = plainLine(cursor, true);
    lines.push(cursor.source.slice(lineBegin, end));
    cursor.endLine();
  }
  return { kind: 'scalar', value: resolvePlain(joinPlain(lines)), style: 'plain', start, end };
}

/** Reads one line of a plain scalar and answers where its text ends; the cursor is then at its comment or line break. */
function plainLine(cursor: Cursor, isContinuation = false): number {
  if (!isContinuation && !cursor.isPlainStart()) giveUp();
  let at = cursor.at;
  for (; at < cursor.length; at += 1) {
    const code = cursor.source.charCodeAt(at);
    if (code === NEWLINE) break;
    if (code === COLON && cursor.isBlank(at + 1)) giveUp();
    if (code === HASH && cursor.source.charCodeAt(at - 1) === SPACE) break;
  }
  let end = at;
  while (cursor.source.charCodeAt(end - 1) === SPACE) end -= 1;
  cursor.at = at;
  return end;
}

function countBreaks(cursor: Cursor, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) if (cursor.source.charCodeAt(at) === NEWLINE) count += 1;
  return count;
}

function parseBlockScalar(cursor: Cursor, parentIndent: number, isLiteral: boolean): YamlScalar {
  const start = cursor.at;
  cursor.at += 1;
  const sign = cursor.source.charAt(cursor.at);
  const chomp = sign === '+' || sign === '-' ? sign : '';
  cursor.at += chomp.length;
  const headerEnd = cursor.source.indexOf('\n', cursor.at);
  // Comments and indentation digits in the header are left to the full reader.
  if (headerEnd === -1 || cursor.source.slice(cursor.at, headerEnd).trim() !== '') giveUp();

  const lines: string[] = [];
  let indent = -1;
  let end = headerEnd + 1;
  let contentEnd = end;
  while (end < cursor.length) {
    const newline = cursor.source.indexOf('\n', end);
    const lineEnd = newline === -1 ? cursor.length : newline;
    let text = end;
    while (cursor.source.charCodeAt(text) === SPACE) text += 1;
    const isBlank = text >= lineEnd;
    if (!isBlank && indent === -1) {
      indent = text - end;
      if (indent <= parentIndent) giveUp();
    }
    if (!isBlank && text - end < indent) break;
    // Spaces beyond the indentation on a blank line are text in some cases and an error in others.
    if (isBlank && lineEnd - end > (indent === -1 ? 0 : indent)) giveUp();
    lines.push(isBlank ? '' : cursor.source.slice(end + indent, lineEnd));
    end = newline === -1 ? cursor.length : newline + 1;
    if (!isBlank) contentEnd = end;
  }
  if (indent === -1) giveUp();
  // The last line without a break: what `|+` keeps there is a fine point.
  if (chomp === '+' && cursor.source.charCodeAt(end - 1) !== NEWLINE) giveUp();
  cursor.at = end;
  cursor.lineStart = end;
  cursor.toContent();
  const value = isLiteral ? joinLiteral(lines, chomp) : joinFolded(lines, chomp);
  const valueEnd = chomp === '+' ? end : contentEnd;
  return { kind: 'scalar', value, style: isLiteral ? 'literal' : 'folded', start, end: valueEnd };
}
