// The tree of YAML values, each with its place in the text. It does not depend on the YAML library; convert.ts makes
// it from the library's document.

export type ScalarValue = string | number | boolean | null;
export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/** Offsets are UTF-16 code units into the source, `end` exclusive. A value left out (`key:`) has start = end. */
interface YamlScalar {
  kind: 'scalar';
  value: ScalarValue;
  style: ScalarStyle;
  start: number;
  end: number;
}

export interface YamlPair {
  key: YamlKey;
  value: YamlNode;
}

/** A key is its text: `1:` and `"1":` are the same key. */
export interface YamlKey {
  text: string;
  start: number;
  end: number;
}

export interface YamlMap {
  kind: 'map';
  pairs: YamlPair[];
  /** Written as `{a: b}`. */
  isFlow: boolean;
  start: number;
  end: number;
}

export interface YamlSeq {
  kind: 'seq';
  items: YamlNode[];
  /** Written as `[a, b]`. */
  isFlow: boolean;
  start: number;
  end: number;
}

export type YamlNode = YamlMap | YamlSeq | YamlScalar;

/** The same key twice in one map; the first is the one that is read. */
export interface DuplicateKey {
  first: YamlKey;
  second: YamlKey;
}

export interface YamlProblem {
  code: 'PV-001' | 'PV-002';
  message: string;
  start: number;
}

/** `root` is absent for an empty document and where the file could not be understood at all. */
export interface YamlReading {
  root?: YamlNode;
  /** In the order of the file. */
  duplicates: DuplicateKey[];
  problems: YamlProblem[];
  /** How many aliases were followed: values that are written once and stand at several places. */
  aliasCount: number;
}

export type PlainValue = ScalarValue | PlainValue[] | { [key: string]: PlainValue };

/** The pair of a key; of a duplicate key, its first pair. */
export function findPair(map: YamlMap, key: string): YamlPair | undefined {
  const { pairs } = map;
  for (let index = 0; index < pairs.length; index += 1) {
    const pair = pairs[index];
    if (pair?.key.text === key) return pair;
  }
  return undefined;
}

/** The pair of the first of `keys` that the map has. */
export function findAnyPair(map: YamlMap, keys: readonly string[]): YamlPair | undefined {
  for (const key of keys) {
    const pair = findPair(map, key);
    if (pair !== undefined) return pair;
  }
  return undefined;
}

export function findNode(map: YamlMap | undefined, key: string): YamlNode | undefined {
  return map === undefined ? undefined : findPair(map, key)?.value;
}

export function findAnyNode(map: YamlMap, keys: readonly string[]): YamlNode | undefined {
  return findAnyPair(map, keys)?.value;
}

export function asMap(node: YamlNode | undefined): YamlMap | undefined {
  return node?.kind === 'map' ? node : undefined;
}

/** Items of a list; nothing for any other value. */
export function itemsOf(node: YamlNode | undefined): readonly YamlNode[] {
  return node?.kind === 'seq' ? node.items : [];
}

/** A scalar as text: numbers and booleans as they would be printed, null and collections as nothing. */
export function asText(node: YamlNode | undefined): string | undefined {
  return node?.kind !== 'scalar' || node.value === null ? undefined : String(node.value);
}

/** The texts of a list, or of one scalar standing where a list was meant. */
export function asTexts(node: YamlNode | undefined): string[] {
  const nodes = node?.kind === 'seq' ? node.items : [node];
  return nodes.map(asText).filter((text) => text !== undefined);
}

/** The plain value of a node, as a JSON schema or a digest sees it. Of a duplicate key, the first value. */
export function toValue(node: YamlNode): PlainValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'seq') return node.items.map(toValue);
  const value: { [key: string]: PlainValue } = {};
  for (const pair of node.pairs) {
    const { text } = pair.key;
    // `__proto__`, `constructor` and the like are ordinary keys here.
    if (value[text] !== undefined && Object.hasOwn(value, text)) continue;
    if (text === '__proto__') {
      Object.defineProperty(value, text, { value: toValue(pair.value), enumerable: true, writable: true });
    } else {
      value[text] = toValue(pair.value);
    }
  }
  return value;
}
