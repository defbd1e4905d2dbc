// Finds what a regular expression of a tokenizer.json matches.
import { translatePattern, type Refuse } from './oniguruma.ts';
import type { Find } from './piece.ts';

/** @throws what `refuse` makes */
export function findPattern(pattern: string, refuse: Refuse): Find {
  const translated = translatePattern(pattern, refuse);
  let expression: RegExp;
  try {
    expression = new RegExp(translated, 'gv');
  } catch (cause) {
    throw refuse(`it has no equal here: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  return findAll(expression);
}

/** @param expression with the flags g and u or v */
export function findAll(expression: RegExp): Find {
  return function* find(text) {
    let lastEnd = -1;
    for (let at = 0; at <= text.length;) {
      expression.lastIndex = at;
      const match = expression.exec(text);
      if (match === null) return;
      const [start, end] = [match.index, match.index + match[0].length];
      // What looks around also holds within a pair of surrogates, where no character starts.
      if (start > 0 && isPair(text, start - 1)) {
        at = start + 1;
        continue;
      }
      // An empty match right behind another does not count.
      if (start === end && end === lastEnd) {
        at = end + (isPair(text, end) ? 2 : 1);
        continue;
      }
      yield [start, end];
      lastEnd = end;
      at = end;
    }
  };
}

function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}
