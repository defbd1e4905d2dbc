// `pattern` as Split and Replace have it: {"String": …} or {"Regex": …}.
import { findPattern } from './find-pattern.ts';
import type { Part } from './part.ts';
import { findString, type Find } from './piece.ts';

export interface Pattern {
  find: Find;
  /** What is looked for, where it is one text. */
  text: string | null;
}

/** @throws RefuteError E_TOKENIZER_JSON */
export function readPattern(part: Part): Pattern {
  const pattern = part.part('pattern');
  const [text, expression] = [pattern.get('String'), pattern.get('Regex')];
  if (typeof text === 'string' && expression === undefined) {
    return { find: text === '' ? findPattern('', refused) : findString(text), text };
  }
  if (typeof expression !== 'string' || text !== undefined) {
    throw part.keyError('pattern', '{"String": …} or {"Regex": …} is needed');
  }
  return { find: findPattern(expression, refused), text: null };

  function refused(is: string): Error {
    return part.error(`its expression ${JSON.stringify(expression ?? text).slice(0, 120)} is not followed: ${is}`);
  }
}

export function replaced(text: string, find: Find, content: string): string {
  let [result, end] = ['', 0];
  if (text === '') return text;
  for (const [from, to] of find(text)) {
    result += text.slice(end, from) + content;
    end = to;
  }
  return result + text.slice(end);
}
