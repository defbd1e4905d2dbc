// Python's `json.dumps`, which Transformers puts in the place of Jinja2's `tojson`.
import { Dict } from './dict.ts';
import { isLess, isTrue } from './operators.ts';
import { floatText, integerText, str } from './python-text.ts';
import { Markup, Tuple, Undefined, notFollowed, raise, typeName, type Value } from './values.ts';
import { work } from './work.ts';

interface Layout {
  isAscii: boolean;
  /** What one level is indented by, null on one line. */
  indent: string | null;
  separators: readonly [string, string];
  sortsKeys: boolean;
}

export function toJson(value: Value, ascii: Value, indent: Value, separators: Value, sortKeys: Value): string {
  const step = indentOf(indent);
  const layout = {
    isAscii: isTrue(ascii),
    indent: step,
    separators: separatorsOf(separators, step !== null),
    sortsKeys: isTrue(sortKeys),
  };
  return dump(value, layout, 0);
}

function indentOf(indent: Value): string | null {
  if (indent === null || typeof indent === 'string') return indent;
  if (indent === false) return '';
  if (indent === true) return ' ';
  if (typeof indent !== 'bigint') return raise('TypeError', `an indent of type ${typeName(indent)}`);
  if (indent > 1000n) notFollowed(`an indent of ${indent}`);
  return ' '.repeat(Math.max(0, Number(indent)));
}

function separatorsOf(separators: Value, isIndented: boolean): readonly [string, string] {
  if (separators === null) return [isIndented ? ',' : ', ', ': '];
  const items = separators instanceof Tuple ? separators.items : Array.isArray(separators) ? separators : [];
  const [item, key] = items;
  if (items.length !== 2 || typeof item !== 'string' || typeof key !== 'string') {
    return raise('ValueError', 'separators must be two strings');
  }
  return [item, key];
}

function dump(value: Value, layout: Layout, depth: number): string {
  work();
  if (depth > 300) return raise('RecursionError', 'maximum recursion depth exceeded while encoding a JSON object');
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return integerText(value);
  if (typeof value === 'number') return jsonFloat(value);
  if (typeof value === 'string') return jsonString(value, layout.isAscii);
  if (value instanceof Markup) return jsonString(value.text, layout.isAscii);
  const { separators, indent } = layout;
  const join = (open: string, parts: string[], close: string): string => {
    if (parts.length === 0) return open + close;
    if (indent === null) return open + parts.join(separators[0]) + close;
    const line = `\n${indent.repeat(depth + 1)}`;
    return `${open}${line}${parts.join(separators[0] + line)}\n${indent.repeat(depth)}${close}`;
  };
  if (Array.isArray(value) || value instanceof Tuple) {
    const items = Array.isArray(value) ? value : value.items;
    return join(
      '[',
      items.map((item) => dump(item, layout, depth + 1)),
      ']',
    );
  }
  if (value instanceof Dict) {
    const entries = [...value.items()];
    if (layout.sortsKeys) entries.sort(([a], [b]) => (isLess(a, b) ? -1 : isLess(b, a) ? 1 : 0));
    const parts = entries.map(
      ([key, item]) => jsonString(jsonKey(key), layout.isAscii) + separators[1] + dump(item, layout, depth + 1),
    );
    return join('{', parts, '}');
  }
  return raise('TypeError', `Object of type ${typeName(value)} is not JSON serializable`);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return floatText(value);
}

function jsonKey(key: Value): string {
  if (typeof key === 'string') return key;
  if (key instanceof Markup) return key.text;
  if (typeof key === 'number') return jsonFloat(key);
  if (typeof key === 'boolean') return String(key);
  if (key === null) return 'null';
  if (typeof key === 'bigint') return str(key);
  const kind = key instanceof Undefined ? 'Undefined' : typeName(key);
  return raise('TypeError', `keys must be str, int, float, bool or None, not ${kind}`);
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
};

function jsonString(text: string, isAscii: boolean): string {
  // Not JSON.stringify: it also escapes lone surrogates.
  const pattern = isAscii ? /["\\]|[^ -~]/g : /["\\]|[^ -\uffff]/g;
  const escape = (unit: string): string => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${text.replaceAll(pattern, escape)}"`;
}
