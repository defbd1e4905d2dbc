// Changes to a text that comes in stretches: each gives what is certain so far, and the rest at the end.
import type { TokenStage } from './decoders.ts';

export interface TextStage {
  push(text: string): string;
  end(): string;
}

/** Every `searched` becomes `content`. Held back is what may be the beginning of another. */
export function replacedAsItComes(searched: string, content: string): TextStage {
  let rest = '';
  return {
    push(text) {
      const pieces = (rest + text).split(searched);
      const last = pieces.pop() ?? '';
      const kept = beginningAtEnd(last, searched);
      rest = last.slice(last.length - kept);
      return [...pieces, last.slice(0, last.length - kept)].join(content);
    },
    end: () => rest,
  };
}

/** Length of the longest beginning of `searched` that ends `text`. */
function beginningAtEnd(text: string, searched: string): number {
  let length = Math.min(text.length, searched.length - 1);
  while (length > 0 && !text.endsWith(searched.slice(0, length))) length -= 1;
  return length;
}

/** Up to `count` of a character at the start are left out. */
export function startStripped(character: string, count: number): TextStage {
  let left = count;
  return {
    push(text) {
      let rest = text;
      while (left > 0 && rest.startsWith(character)) {
        rest = rest.slice(character.length);
        left -= 1;
      }
      if (rest !== '') left = 0;
      return rest;
    },
    end: () => '',
  };
}

/** What works on a whole token only: the text is one, and comes at the end. */
export function heldBack(open: () => TokenStage): TextStage {
  let all = '';
  return {
    push(text) {
      all += text;
      return '';
    },
    end() {
      if (all === '') return '';
      const stage = open();
      return [...stage.push(all), ...stage.end()].join('');
    },
  };
}
