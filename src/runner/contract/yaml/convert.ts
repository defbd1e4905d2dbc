// From the `yaml` library's document to our tree: aliases followed within limits, duplicate keys listed instead of
// refused, ends of values where an edit needs them. Parses nothing; read-yaml.ts does.
import { isAlias, isMap, isScalar, isSeq, type Document, type Node, type Pair, type Scalar } from 'yaml';
import { MAX_ALIASES, MAX_DEPTH, MAX_NODES } from './limits.ts';
import type { DuplicateKey, ScalarStyle, ScalarValue, YamlKey, YamlNode, YamlProblem } from './yaml-node.ts';
import type { YamlReading } from './yaml-node.ts';

/** As the library spells `!!str`. */
const CORE_TAG = /^(?:tag:yaml\.org,2002:(?:str|int|float|bool|null|seq|map)|!)$/;

export function tooDeep(start: number): YamlProblem {
  return { code: 'PV-002', message: `nested too deeply; at most ${MAX_DEPTH} levels are read`, start };
}

/** Thrown by a conversion that cannot go on; readYaml answers its problem. */
export class Refusal extends Error {
  readonly problem: YamlProblem;

  constructor(problem: YamlProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

interface Converted {
  node: YamlNode;
  nodeCount: number;
  depth: number;
}

/** One document; use each instance once. */
export class Conversion {
  readonly #duplicates: DuplicateKey[] = [];
  #aliasCount = 0;
  readonly #document: Document;
  readonly #source: string;
  /** Anchored nodes already converted; `undefined` while one is being converted, so that a cycle is seen. */
  readonly #anchored = new Map<Node, Converted | undefined>();
  #nodeCount = 0;
  #deepest = 0;

  constructor(document: Document, source: string) {
    this.#document = document;
    this.#source = source;
  }

  /** @throws Refusal */
  read(contents: Node): YamlReading {
    const root = this.#convert(contents, 0);
    return { root, duplicates: this.#duplicates, problems: [], aliasCount: this.#aliasCount };
  }

  #convert(node: Node, depth: number): YamlNode {
    const start = node.range?.[0] ?? 0;
    this.#spend(1, start);
    this.#enter(depth, start);
    if (!isAlias(node) && node.tag !== undefined && !CORE_TAG.test(node.tag)) {
      throw refusal('PV-001', `the tag ${node.tag} is not of the core schema, so its value is not known`, start);
    }
    if (isAlias(node)) return this.#followAlias(node, depth, start);
    if (node.anchor === undefined || node.anchor === '') return this.#convertOwn(node, depth, start);

    this.#anchored.set(node, undefined);
    const countBefore = this.#nodeCount;
    const deepestBefore = this.#deepest;
    this.#deepest = depth;
    const converted = this.#convertOwn(node, depth, start);
    this.#anchored.set(node, {
      node: converted,
      nodeCount: this.#nodeCount - countBefore,
      depth: this.#deepest - depth,
    });
    this.#deepest = Math.max(this.#deepest, deepestBefore);
    return converted;
  }

  #convertOwn(node: Node, depth: number, start: number): YamlNode {
    const end = node.range?.[1] ?? start;
    if (isScalar(node)) {
      const style = styleOf(node);
      const isBlock = style === 'literal' || style === 'folded';
      const valueEnd = isBlock ? blockScalarEnd(this.#source, start, end) : end;
      return { kind: 'scalar', value: scalarValue(node), style, start, end: valueEnd };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#convert(item as Node, depth + 1));
      const isFlow = node.flow === true;
      // The library's end of a block collection depends on comments and blank lines behind it.
      return { kind: 'seq', items, isFlow, start, end: isFlow ? end : (items.at(-1)?.end ?? start) };
    }
    if (!isMap(node)) throw refusal('PV-001', 'a kind of YAML value that is not known here', start);
    const first = new Map<string, YamlKey>();
    const pairs = (node.items as Pair<Node, Node | null>[]).map((pair) => {
      const key = this.#convertKey(pair.key);
      const known = first.get(key.text);
      if (known === undefined) first.set(key.text, key);
      else this.#duplicates.push({ first: known, second: key });
      // No colon at all: `{a}` or `? a`.
      if (pair.value === null) return { key, value: absent(key.end) };
      const value = this.#convert(pair.value, depth + 1);
      // The library places a missing value anywhere up to the next token.
      return { key, value: isAbsent(value) ? absent(this.#afterColon(key.end)) : value };
    });
    const isFlow = node.flow === true;
    return { kind: 'map', pairs, isFlow, start, end: isFlow ? end : (pairs.at(-1)?.value.end ?? start) };
  }

  #convertKey(key: Node | null): YamlKey {
    const start = key?.range?.[0] ?? 0;
    const end = key?.range?.[1] ?? start;
    if (key === null) return { text: '', start, end };
    if (!isScalar(key)) throw refusal('PV-001', 'a key must be plain text, not a list, a map or an alias', start);
    const text = key.type === 'PLAIN' ? (key.source ?? '') : String(key.value);
    return { text, start, end };
  }

  #followAlias(alias: Node & { source: string }, depth: number, start: number): YamlNode {
    this.#aliasCount += 1;
    if (this.#aliasCount > MAX_ALIASES) {
      throw refusal('PV-002', `more than ${MAX_ALIASES} aliases; write the values out`, start);
    }
    const target = isAlias(alias) ? alias.resolve(this.#document) : undefined;
    if (target === undefined) throw refusal('PV-001', `the alias *${alias.source} has no anchor before it`, start);
    const converted = this.#anchored.get(target);
    if (converted === undefined)
      throw refusal('PV-001', `the alias *${alias.source} stands inside its own value`, start);
    this.#spend(converted.nodeCount, start);
    this.#enter(depth + converted.depth, start);
    return converted.node;
  }

  #afterColon(keyEnd: number): number {
    const colon = this.#source.indexOf(':', keyEnd);
    return colon === -1 ? keyEnd : colon + 1;
  }

  #spend(count: number, start: number): void {
    this.#nodeCount += count;
    if (this.#nodeCount > MAX_NODES) {
      throw refusal('PV-002', `more than ${MAX_NODES} values, aliases followed; split the file`, start);
    }
  }

  #enter(depth: number, start: number): void {
    if (depth > MAX_DEPTH) throw new Refusal(tooDeep(start));
    this.#deepest = Math.max(this.#deepest, depth);
  }
}

function absent(at: number): YamlNode {
  return { kind: 'scalar', value: null, style: 'plain', start: at, end: at };
}

function isAbsent(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === null && node.style === 'plain' && node.start === node.end;
}

function scalarValue({ value }: Scalar): ScalarValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  // The core schema has no other kind of value.
  return null;
}

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

function styleOf(node: Scalar): ScalarStyle {
  return STYLES[node.type ?? 'PLAIN'] ?? 'plain';
}

function refusal(code: YamlProblem['code'], message: string, start: number): Refusal {
  return new Refusal({ code, message, start });
}

/** End of a block scalar without the blank lines behind it, unless it keeps them (`|+`). */
function blockScalarEnd(source: string, start: number, end: number): number {
  const headerEnd = source.indexOf('\n', start);
  if (headerEnd === -1 || source.slice(start, headerEnd).split('#')[0]?.includes('+') === true) return end;
  let content = end;
  while (content > start && ' \r\n'.includes(source.charAt(content - 1))) content -= 1;
  const newline = source.indexOf('\n', content);
  return newline === -1 || newline >= end ? end : newline + 1;
}
