// Collects the diagnostics of one file and turns offsets into places. Rules say what is wrong and where it stands; the
// form of a diagnostic is made here. Not the folder report/, which writes about evidence.
import { severityOf, type Code } from './codes.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import type { Contract } from './model.ts';
import { findAnyPair, type YamlMap, type YamlPair } from './yaml/yaml-node.ts';

/** Anything that stands somewhere: a node, a key. */
export interface Span {
  start: number;
  end: number;
}

/** A span in lines and columns; the text is not needed any more. */
export interface Place {
  file: string;
  line: number;
  column: number;
  /** Where it ends on the same line. */
  endColumn?: number;
}

export interface DiagnosticOptions {
  /** Instead of the code's own. */
  severity?: Severity;
  didYouMean?: string | undefined;
  related?: Diagnostic['related'] | undefined;
}

export class FileDiagnostics {
  readonly diagnostics: Diagnostic[] = [];
  readonly #contract: Contract;

  constructor(contract: Contract) {
    this.#contract = contract;
  }

  add(code: Code, message: string, at: Span, options: DiagnosticOptions = {}): void {
    this.diagnostics.push(diagnosticAt(code, message, placeOf(this.#contract, at), options));
  }
}

export function diagnosticAt(code: Code, message: string, place: Place, options: DiagnosticOptions = {}): Diagnostic {
  return {
    code,
    severity: options.severity ?? severityOf(code),
    message,
    ...place,
    ...(options.didYouMean === undefined ? {} : { didYouMean: options.didYouMean }),
    ...(options.related === undefined ? {} : { related: options.related }),
  };
}

export function placeOf({ lines, path }: Contract, at: Span): Place {
  const start = lines.positionOf(at.start);
  const end = lines.positionOf(Math.max(at.end, at.start));
  const isOnOneLine = end.line === start.line && end.column > start.column;
  return { file: path, ...start, ...(isOnOneLine ? { endColumn: end.column } : {}) };
}

/** The second place of a diagnostic, such as that of the other of two equal ids. */
export function relatedAt({ file, line, column }: Place, message: string): NonNullable<Diagnostic['related']> {
  return { file, line, column, message };
}

/** The place of a key, or of the map where it is missing. */
export function spanOfKey(map: YamlMap, ...keys: readonly string[]): Span {
  return findAnyPair(map, keys)?.key ?? startOf(map);
}

/** The place of a value; of its key where the value is left out, of the map where the key is. */
export function spanOfValue(map: YamlMap, ...keys: readonly string[]): Span {
  const pair = findAnyPair(map, keys);
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
