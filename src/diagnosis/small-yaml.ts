// The small YAML (or JSON) files that people write for a command: profiles and maps of names. One document, no aliases,
// no merge keys, and numbers as options take them. Contracts have a reader of their own.
import { isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { isReadAsWritten } from '../decimal.ts';
import { RefuteError } from '../errors.ts';

/**
 * @param code of the error
 * @throws RefuteError `code`, its place `file:line:column`
 */
export function readSmallYaml(text: string, file: string, code: string): unknown {
  const lineCounter = new LineCounter();
  const failAt = (offset: number, parts: { is: string; allowed?: string; cause?: unknown }): RefuteError => {
    const { line, col } = lineCounter.linePos(offset);
    return new RefuteError({ code, place: `${file}:${line}:${col}`, ...parts });
  };
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) {
    const is = `this is not YAML: ${error.message.replace(/\s+/g, ' ').replace(/[.:]$/, '')}`;
    throw failAt(error.pos[0], { is, cause: error });
  }
  visit(document, {
    Alias(_, { range }) {
      throw failAt(range?.[0] ?? 0, { is: 'an alias', allowed: 'values are written out' });
    },
    Pair(_, { key }) {
      if (isScalar(key) && key.value === '<<') {
        throw failAt(key.range?.[0] ?? 0, { is: 'YAML 1.2 has no merge key <<', allowed: 'values are written out' });
      }
    },
    Scalar(_, { value, type, source = '', range }) {
      if (typeof value !== 'number' || type !== 'PLAIN' || isReadAsWritten(source)) return;
      throw failAt(range?.[0] ?? 0, { is: JSON.stringify(source), allowed: 'a decimal number is needed' });
    },
  });
  return document.toJS() as unknown;
}
