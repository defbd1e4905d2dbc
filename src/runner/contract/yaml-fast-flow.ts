// Flow collections on one line, and quoted scalars: `[a, "b"]`, `{k: v}`. Part of the quick YAML reader.
import {
  CLOSE_LIST,
  CLOSE_MAP,
  COLON,
  COMMA,
  type Cursor,
  DASH,
  DOUBLE_QUOTE,
  giveUp,
  HASH,
} from './yaml-fast-cursor.ts';
import { OPEN_LIST, OPEN_MAP, QUESTION, SPACE } from './yaml-fast-cursor.ts';
import type { YamlKey, YamlNode, YamlPair } from './yaml-node.ts';
import { resolvePlain } from './yaml-scalars.ts';

/** A quoted scalar, or a flow collection that ends on its line; the cursor is then behind it. */
export function parseFlowNode(cursor: Cursor, depth: number): YamlNode {
  cursor.countNode(depth);
  const start = cursor.at;
  const first = cursor.code();
  if (first === OPEN_LIST) return parseFlowList(cursor, start, depth);
  if (first === OPEN_MAP) return parseFlowMap(cursor, start, depth);
  if (cursor.isQuote()) {
    const end = cursor.quoteEnd(start);
    cursor.at = end;
    const style = first === DOUBLE_QUOTE ? 'double' : 'single';
    return { kind: 'scalar', value: cursor.unquote(start, end), style, start, end };
  }
  const text = flowPlain(cursor);
  return { kind: 'scalar', value: resolvePlain(text), style: 'plain', start, end: start + text.length };
}

function parseFlowList(cursor: Cursor, start: number, depth: number): YamlNode {
  const items: YamlNode[] = [];
  cursor.at += 1;
  for (;;) {
    cursor.skipSpaces();
    if (cursor.code() === CLOSE_LIST) break;
    items.push(parseFlowNode(cursor, depth + 1));
    cursor.skipSpaces();
    if (cursor.code() === COMMA) cursor.at += 1;
    else if (cursor.code() !== CLOSE_LIST) giveUp();
  }
  cursor.at += 1;
  return { kind: 'seq', items, isFlow: true, start, end: cursor.at };
}

function parseFlowMap(cursor: Cursor, start: number, depth: number): YamlNode {
  const pairs: YamlPair[] = [];
  cursor.at += 1;
  for (;;) {
    cursor.skipSpaces();
    if (cursor.code() === CLOSE_MAP) break;
    const key = flowKey(cursor);
    cursor.skipSpaces();
    // `{a}` and `{a:, b}` are read by the full reader.
    if (cursor.code() !== COLON || cursor.source.charCodeAt(cursor.at + 1) !== SPACE) giveUp();
    cursor.at += 1;
    cursor.skipSpaces();
    if (cursor.code() === COMMA || cursor.code() === CLOSE_MAP) giveUp();
    pairs.push({ key, value: parseFlowNode(cursor, depth + 1) });
    cursor.skipSpaces();
    if (cursor.code() === COMMA) cursor.at += 1;
    else if (cursor.code() !== CLOSE_MAP) giveUp();
  }
  cursor.at += 1;
  cursor.findDuplicates(pairs);
  return { kind: 'map', pairs, isFlow: true, start, end: cursor.at };
}

function flowKey(cursor: Cursor): YamlKey {
  const start = cursor.at;
  if (cursor.isQuote()) {
    const end = cursor.quoteEnd(start);
    cursor.at = end;
    return { text: cursor.unquote(start, end), start, end };
  }
  const text = flowPlain(cursor);
  return { text, start, end: start + text.length };
}

/** A plain scalar inside a flow collection; stops before `, ] } : `. */
function flowPlain(cursor: Cursor): string {
  const start = cursor.at;
  const first = cursor.code();
  if (!cursor.isPlainStart() || first === DASH || first === COLON || first === QUESTION) giveUp();
  let at = start;
  for (; ; at += 1) {
    const code = cursor.source.charCodeAt(at);
    if (cursor.isLineEnd(at) || code === OPEN_LIST || code === OPEN_MAP || code === HASH) giveUp();
    if (code === COMMA || code === CLOSE_LIST || code === CLOSE_MAP) break;
    if (code === COLON) {
      if (cursor.source.charCodeAt(at + 1) === SPACE) break;
      const next = cursor.source.charAt(at + 1);
      if (next === '' || '\n,[]{}'.includes(next)) giveUp();
    }
  }
  cursor.at = at;
  return cursor.source.slice(start, at).trimEnd();
}
