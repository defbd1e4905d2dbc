// Reads any YAML 1.2 (core schema) document with the `yaml` library and turns it into our tree: aliases followed within
// limits, duplicate keys listed instead of refused, errors with their places. The reader of record; yaml-fast.ts must agree.
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Pair, type Scalar } from 'yaml';
import { MAX_ALIASES, MAX_DEPTH, MAX_NODES, MAX_SYNTAX_ERRORS } from './limits.ts';
import type {
  DuplicateKey,
  ScalarStyle,
  ScalarValue,
  YamlKey,
  YamlNode,
  YamlProblem,
  YamlReading,
} from './yaml-node.ts';
import { inFileOrder } from './yaml-node.ts';
import { blockScalarEnd } from './yaml-scalars.ts';

export function readYamlFully(source: string): YamlReading {
  let document: Document;
  try {
    document = parseDocument(source, {
      version: '1.2',
      schema: 'core',
      // Listed by our own conversion, with both places.
      uniqueKeys: false,
      prettyErrors: false,
      // Below 'error' the library would not mention further documents.
      logLevel: 'error',
    });
  } catch (error) {
    // The library recurses; nesting past its stack is nesting past ours.
    if (!(error instanceof RangeError)) throw error;
    return failed([{ code: 'PV-002', message: tooDeep, start: 0 }]);
  }
  const exhausted = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (exhausted !== undefined) {
    // How far the library came depends on the stack; the line does not.
    const start = source.lastIndexOf('\n', exhausted.pos[0]) + 1;
    return failed([{ code: 'PV-002', message: tooDeep, start }]);
  }
  if (document.errors.length > 0) {
    const problems = document.errors.slice(0, MAX_SYNTAX_ERRORS).map((error) => ({
      code: 'PV-001' as const,
      message: `not readable as YAML: ${sentence(error.message)}`,
      start: error.pos[0],
    }));
    return failed(problems);
  }
  const conversion = new Conversion(document, source);
  try {
    if (document.contents === null) return failed([]);
    const root = conversion.convert(document.contents as Node, 0);
    return { root, duplicates: inFileOrder(conversion.duplicates), problems: [], aliasCount: conversion.aliasCount };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return failed([{ code: error.code, message: error.message, start: error.start }]);
  }
}

function failed(problems: YamlProblem[]): YamlReading {
  return { duplicates: [], problems, aliasCount: 0 };
}

const tooDeep = `nested too deeply; at most ${MAX_DEPTH} levels are read`;

function sentence(message: string): string {
  return message.replace(/\s+/g, ' ').replace(/[.:]$/, '');
}

class Refusal extends Error {
  readonly start: number;
  readonly code: YamlProblem['code'];

  constructor(message: string, start: number, code: YamlProblem['code'] = 'PV-002') {
    super(message);
    this.start = start;
    this.code = code;
  }
}

interface Converted {
  node: YamlNode;
  nodeCount: number;
  depth: number;
}

class Conversion {
  readonly duplicates: DuplicateKey[] = [];
  aliasCount = 0;
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

  convert(node: Node, depth: number): YamlNode {
    const start = node.range?.[0] ?? 0;
    this.#spend(1, start);
    this.#enter(depth, start);
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
      const items = node.items.map((item) => this.convert(item as Node, depth + 1));
      const isFlow = node.flow === true;
      // The library's end of a block collection depends on comments and blank lines behind it.
      return { kind: 'seq', items, isFlow, start, end: isFlow ? end : (items.at(-1)?.end ?? start) };
    }
    if (!isMap(node)) throw new Refusal('a kind of YAML value that is not known here', start, 'PV-001');
    const first = new Map<string, YamlKey>();
    const pairs = (node.items as Pair<Node, Node | null>[]).map((pair) => {
      const key = this.#convertKey(pair.key);
      const known = first.get(key.text);
      if (known === undefined) first.set(key.text, key);
      else this.duplicates.push({ first: known, second: key });
      // No colon at all: `{a}` or `? a`.
      if (pair.value === null) return { key, value: absent(key.end) };
      const value = this.convert(pair.value, depth + 1);
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
    if (!isScalar(key)) throw new Refusal('a key must be plain text, not a list, a map or an alias', start, 'PV-001');
    const text = key.type === 'PLAIN' ? (key.source ?? '') : String(key.value);
    return { text, start, end };
  }

  #followAlias(alias: Node & { source: string }, depth: number, start: number): YamlNode {
    this.aliasCount += 1;
    if (this.aliasCount > MAX_ALIASES) {
      throw new Refusal(`more than ${MAX_ALIASES} aliases; write the values out`, start);
    }
    const target = isAlias(alias) ? alias.resolve(this.#document) : undefined;
    if (target === undefined) throw new Refusal(`the alias *${alias.source} has no anchor before it`, start, 'PV-001');
    const converted = this.#anchored.get(target);
    if (converted === undefined)
      throw new Refusal(`the alias *${alias.source} stands inside its own value`, start, 'PV-001');
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
      throw new Refusal(`more than ${MAX_NODES} values, aliases followed; split the file`, start);
    }
  }

  #enter(depth: number, start: number): void {
    if (depth > MAX_DEPTH) throw new Refusal(tooDeep, start);
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
