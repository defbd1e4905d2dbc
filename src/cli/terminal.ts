// What people look at: colour, aligned tables, a progress line. Results go to stdout, progress to stderr.
// NO_COLOR and FORCE_COLOR decide before the terminal does; without a terminal nothing moves the cursor.
import { Chalk, type ChalkInstance } from 'chalk';
import stringWidth from 'string-width';

function colourLevel(stream: NodeJS.WriteStream): 0 | 1 {
  const forced = process.env['FORCE_COLOR'];
  if (forced !== undefined) return forced === '0' ? 0 : 1;
  const refused = process.env['NO_COLOR'];
  if (refused !== undefined && refused !== '') return 0;
  return stream.isTTY ? 1 : 0;
}

/** Colours for stdout; plain when stdout does not want them. */
export const style: ChalkInstance = new Chalk({ level: colourLevel(process.stdout) });
/** Colours for stderr. */
export const errorStyle: ChalkInstance = new Chalk({ level: colourLevel(process.stderr) });

/** A title; `right` puts it and its cells on the right. */
export type Column = string | { right: string };

export function right(title: string): Column {
  return { right: title };
}

export function printTable(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  printLine(formatTable(columns, rows));
}

/** Cells may hold colour codes; they take no width. A wide (CJK, emoji) character takes two columns. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  // Each cell is measured once: a vocabulary has 150,000 rows, and more than a call may have arguments.
  const cells = [columns.map((column) => (typeof column === 'string' ? column : column.right)), ...rows].map((row) =>
    columns.map((_, i) => ({ text: row[i] ?? '', width: stringWidth(row[i] ?? '') })),
  );
  const widths = columns.map((_, i) => cells.reduce((widest, row) => Math.max(widest, row[i]?.width ?? 0), 0));
  const rule = widths
    .map((width) => '─'.repeat(width))
    .join('  ')
    .trimEnd();
  const [titles = '', ...lines] = cells.map((row) =>
    row
      .map(({ text, width }, i) => {
        const padding = ' '.repeat((widths[i] ?? 0) - width);
        return typeof columns[i] === 'object' ? padding + text : text + padding;
      })
      .join('  ')
      .trimEnd(),
  );
  return [titles, rule, ...lines].join('\n');
}

/** Controls, format characters (bidi overrides too), lone surrogates, line separators: a terminal may act on them. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text out of a file, made safe to print on one line: what a terminal could act on is shown as `\u{…}`. */
export function plainText(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** One line on stderr that is redrawn in place on a terminal and stays silent elsewhere. */
export class Progress {
  readonly #isLive: boolean = process.stderr.isTTY && process.env['CI'] === undefined;
  #lastDrawMs = 0;

  update(text: string): void {
    const nowMs = performance.now();
    if (!this.#isLive || nowMs - this.#lastDrawMs < 50) return;
    this.#lastDrawMs = nowMs;
    const columns = process.stderr.columns || 80;
    process.stderr.write(`\r\x1b[2K${text.slice(0, columns - 1)}`);
  }

  clear(): void {
    if (this.#isLive) process.stderr.write('\r\x1b[2K');
  }
}

/**
 * Prints one JSON document on stdout and nothing else. JSON has no NaN and no infinities and JSON.stringify makes them
 * `null`; here they are the strings "NaN", "Infinity" and "-Infinity", so that none is lost. A bigint is its digits.
 */
export function printJson(value: unknown): void {
  const spellOut = (_key: string, item: unknown): unknown => {
    const isUnspeakable = typeof item === 'bigint' || (typeof item === 'number' && !Number.isFinite(item));
    return isUnspeakable ? String(item) : item;
  };
  process.stdout.write(`${JSON.stringify(value, spellOut, 2)}\n`);
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}
