// One diagnostic of a contract file: what every output format (code frame, JSON, plain) is printed from. It is a
// value, not an exception; errors reject the file, warnings do not.

export type Severity = 'error' | 'warning';

export interface Diagnostic {
  /** `SCHEMA-…` as the original tool numbers them, `PV-…` our own, `LVL-…` about levels. See codes.ts. */
  code: string;
  severity: Severity;
  message: string;
  /** As the caller named it. */
  file: string;
  /** From 1; columns in UTF-16 code units, as editors count. */
  line: number;
  column: number;
  /** End of what is meant on that line, where it is known. */
  endColumn?: number;
  /** What was probably meant: a key, an id or a word that exists. */
  didYouMean?: string;
  /** A second place, e.g. of the other one of two equal ids. */
  related?: { file: string; line: number; column: number; message: string };
}

export interface DiagnosticCounts {
  errors: number;
  warnings: number;
}

export function countDiagnostics(diagnostics: readonly Diagnostic[]): DiagnosticCounts {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  return { errors, warnings: diagnostics.length - errors };
}

/** By place, then code, then words: the same list for any order of files and rules. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return (
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  );
}

/** By code units, so that no locale decides the order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
