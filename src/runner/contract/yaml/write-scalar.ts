// Writes one scalar on one line, in a given quoting: what edits put into a contract. Not a YAML writer.
import type { ScalarStyle } from './yaml-node.ts';

/** Texts that need no quotes, in block or flow: a conservative part of what YAML allows. */
const PLAIN = /^[A-Za-z_/](?:[\w ./+=()-]|:(?=[\w/]))*$/;
/** YAML reads it as text, because a number has at most one dot. */
const SEMANTIC_VERSION = /^[0-9]+\.[0-9]+\.[0-9]+(?:[-+][\w.+-]*\w)?$/;
/** Plain words that YAML does not read as text. */
const KEYWORD = /^(?:null|true|false)$/i;
// Characters that must be escaped: controls, line separators, a byte order mark.
const UNPRINTABLE = /[\u007F-\u009F\u2028\u2029\uFEFF]/g;

/** `text` as one line of YAML: in the quotes of `style` where they can hold it, else in double quotes. */
export function formatScalar(text: string, style: ScalarStyle = 'plain'): string {
  if (style === 'single' && /^[^\p{C}\u2028\u2029]*$/u.test(text)) return `'${text.replaceAll("'", "''")}'`;
  const isWords = PLAIN.test(text) && !text.endsWith(' ') && !KEYWORD.test(text);
  const isPlain = isWords || SEMANTIC_VERSION.test(text);
  return style === 'plain' && isPlain ? text : doubleQuoted(text);
}

function doubleQuoted(text: string): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  // JSON's escapes are YAML's, except that JSON leaves some unprintable characters as they are.
  return JSON.stringify(text).replace(UNPRINTABLE, escape);
}
