// A table module: nothing but lines `export { one } from './its-file.ts';`. It names things that do not know of one
// another (tensor types, the kernels of each), and a line more changes nothing for those who use the others. So a
// receipt pins the lines that were there when it was made, and not the module as a whole. What a line names does
// nothing when it is loaded. Reads text; follows nothing.
const ENTRY = /^export \{ (?:\w+ as )?\w+ \} from '(\.{1,2}\/[^']+)';$/;

export interface TableEntry {
  line: string;
  /** As written. */
  specifier: string;
}

/** The entries of a table module; null for any other module. */
export function tableEntries(source: string): TableEntry[] | null {
  const lines = source.split('\n').filter((line) => line !== '' && !line.startsWith('//'));
  const entries = lines.map((line) => ({ line, specifier: ENTRY.exec(line)?.[1] ?? '' }));
  return entries.length > 1 && entries.every(({ specifier }) => specifier !== '') ? entries : null;
}
