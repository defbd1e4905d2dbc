// Collects the findings of one file and turns offsets into places. Rules say what and where; this knows how it is told.
import { severityOf, type Code } from './codes.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import type { Contract } from './model.ts';
import type { YamlMap, YamlPair } from './yaml-node.ts';
import { findPair } from './yaml-node.ts';

/** Anything that stands somewhere: a node, a key. */
export interface Span {
  start: number;
  end: number;
}

export interface FindingOptions {
  /** Instead of the code's own. */
  severity?: Severity;
  didYouMean?: string | undefined;
  related?: Diagnostic['related'] | undefined;
}

export class Findings {
  readonly diagnostics: Diagnostic[] = [];
  readonly #contract: Contract;

  constructor(contract: Contract) {
    this.#contract = contract;
  }

  add(code: Code, message: string, at: Span, options: FindingOptions = {}): void {
    const { lines, path } = this.#contract;
    const start = lines.positionOf(at.start);
    const end = lines.positionOf(Math.max(at.end, at.start));
    this.diagnostics.push({
      code,
      severity: options.severity ?? severityOf(code),
      message,
      file: path,
      ...start,
      ...(end.line === start.line && end.column > start.column ? { endColumn: end.column } : {}),
      ...(options.didYouMean === undefined ? {} : { didYouMean: options.didYouMean }),
      ...(options.related === undefined ? {} : { related: options.related }),
    });
  }
}

/** The place of a key, or of the map where it is missing. */
export function spanOfKey(map: YamlMap, ...keys: readonly string[]): Span {
  return findPair(map, ...keys)?.key ?? startOf(map);
}

/** The place of a value; of its key where the value is left out, of the map where the key is. */
export function spanOfValue(map: YamlMap, ...keys: readonly string[]): Span {
  const pair = findPair(map, ...keys);
  return pair === undefined ? startOf(map) : spanOfPair(pair);
}

export function spanOfPair(pair: YamlPair): Span {
  return pair.value.start === pair.value.end ? pair.key : pair.value;
}

/** Where a map begins, which is its first key in block form. */
export function startOf(map: YamlMap): Span {
  const first = map.isFlow ? undefined : map.pairs[0]?.key;
  return first ?? { start: map.start, end: map.start + 1 };
}

/** A place in another contract, for "the other one stands there". */
export function relatedAt(contract: Contract, at: Span, message: string): NonNullable<Diagnostic['related']> {
  return { file: contract.path, ...contract.lines.positionOf(at.start), message };
}
