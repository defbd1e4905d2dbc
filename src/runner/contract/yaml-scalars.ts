// What the text of a scalar means: the YAML 1.2 core schema for plain ones, escapes for double-quoted ones, folding and
// chomping for blocks. Answers undefined where it is not sure; then the full reader decides.
import type { ScalarValue } from './yaml-node.ts';

const NULL = /^(?:~|null|Null|NULL)$/;
const BOOLEAN = /^(?:true|True|TRUE|false|False|FALSE)$/;
const INTEGER = /^[-+]?[0-9]+$/;
const RADIX = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const NOT_FINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/;

/** Characters that a word which is not text can begin with: `~ + - . 0-9 t T f F n N`. */
const MAY_NOT_BE_TEXT = /^[~+\-.0-9tTfFnN]/;

export function resolvePlain(text: string): ScalarValue {
  if (!MAY_NOT_BE_TEXT.test(text)) return text;
  if (NULL.test(text)) return null;
  if (BOOLEAN.test(text)) return text.toLowerCase() === 'true';
  if (INTEGER.test(text)) return Number.parseInt(text, 10);
  if (FLOAT.test(text)) return Number.parseFloat(text);
  if (RADIX.test(text)) return Number(text);
  if (!NOT_FINITE.test(text)) return text;
  if (text.toLowerCase().endsWith('nan')) return Number.NaN;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '"': '"',
  '/': '/',
  '\\': '\\',
  ' ': ' ',
  '0': '\0',
};

/** Between the quotes of a one-line double-quoted scalar. */
export function unescapeDouble(text: string): string | undefined {
  let isKnown = true;
  const plain = text.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/g,
    (_, u?: string, x?: string, one?: string) => {
      const hex = u ?? x;
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      const character = one === undefined ? undefined : ESCAPES[one];
      if (character === undefined) isKnown = false;
      return character ?? '';
    },
  );
  return isKnown ? plain : undefined;
}

export type Chomp = '' | '-' | '+';

/** A `|` block; `lines` without indentation, the blank ones empty. */
export function joinLiteral(lines: readonly string[], chomp: Chomp): string {
  return chompTail(lines, chomp, (content) => content.join('\n'));
}

/** A `>` block: neighbouring lines join with a space; blank lines and indented lines keep their breaks. */
export function joinFolded(lines: readonly string[], chomp: Chomp): string {
  return chompTail(lines, chomp, (content) => {
    let text = '';
    // Breaks since the last line with text; -1 before the first.
    let breaks = -1;
    let isLastIndented = false;
    for (const line of content) {
      if (line === '') {
        breaks = breaks === -1 ? 1 : breaks + 1;
        if (text === '') {
          text += '\n';
          breaks = -1;
        }
        continue;
      }
      const isIndented = line.startsWith(' ');
      if (breaks >= 0) text += foldedBreak(breaks, isIndented || isLastIndented);
      text += line;
      breaks = 0;
      isLastIndented = isIndented;
    }
    return text;
  });
}

/** `breaks` blank lines stand between two lines with text. */
function foldedBreak(breaks: number, isEitherIndented: boolean): string {
  if (isEitherIndented) return '\n'.repeat(breaks + 1);
  return breaks === 0 ? ' ' : '\n'.repeat(breaks);
}

function chompTail(lines: readonly string[], chomp: Chomp, join: (content: readonly string[]) => string): string {
  let end = lines.length;
  while (end > 0 && lines[end - 1] === '') end -= 1;
  const text = join(lines.slice(0, end));
  if (chomp === '-') return text;
  return chomp === '' ? `${text}\n` : `${text}${'\n'.repeat(lines.length - end + 1)}`;
}

/** A plain scalar over several lines: one break is a space, n blank lines are n breaks. */
export function joinPlain(lines: readonly string[]): string {
  let text = '';
  let blankCount = 0;
  for (const line of lines) {
    if (line === '') {
      blankCount += 1;
      continue;
    }
    if (text !== '') text += blankCount === 0 ? ' ' : '\n'.repeat(blankCount);
    text += line;
    blankCount = 0;
  }
  return text;
}

/** End of a block scalar without the blank lines behind it, unless it keeps them (`|+`). */
export function blockScalarEnd(source: string, start: number, end: number): number {
  const headerEnd = source.indexOf('\n', start);
  if (headerEnd === -1 || source.slice(start, headerEnd).split('#')[0]?.includes('+') === true) return end;
  let content = end;
  while (content > start && ' \r\n'.includes(source.charAt(content - 1))) content -= 1;
  const newline = source.indexOf('\n', content);
  return newline === -1 || newline >= end ? end : newline + 1;
}
