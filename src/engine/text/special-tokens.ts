// Finds whole tokens in a text before anything is merged: control tokens where they are asked for, user-defined
// tokens always. The order is llama.cpp's: the longest token first, over the whole text, then the next. (The tokenizer
// library takes the leftmost instead, so "abcd" with the tokens "ab" and "bcd" comes out otherwise.)
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.ts';

interface SpecialToken {
  id: number;
  spelling: string;
  isControl: boolean;
}

export class SpecialTokens {
  readonly #tokens: readonly SpecialToken[];

  constructor({ tokens, types }: Vocabulary) {
    const found: (SpecialToken & { byteLength: number })[] = [];
    for (const [id, spelling] of tokens.entries()) {
      const isControl = types[id] === TOKEN_TYPE.control || types[id] === TOKEN_TYPE.unknown;
      if (spelling === '' || (!isControl && types[id] !== TOKEN_TYPE.userDefined)) continue;
      found.push({ id, spelling, isControl, byteLength: new TextEncoder().encode(spelling).byteLength });
    }
    this.#tokens = found.toSorted((a, b) => b.byteLength - a.byteLength || a.id - b.id);
  }

  /** The text as ids of whole tokens and the stretches of text between them, none empty. */
  split(text: string, parseSpecial: boolean): (string | number)[] {
    let parts: (string | number)[] = text === '' ? [] : [text];
    for (const { id, spelling, isControl } of this.#tokens) {
      if (isControl && !parseSpecial) continue;
      if (!text.includes(spelling)) continue;
      parts = parts.flatMap((part) => (typeof part === 'number' ? [part] : cut(part, spelling, id)));
    }
    return parts;
  }
}

function cut(text: string, spelling: string, id: number): (string | number)[] {
  const pieces = text.split(spelling);
  return pieces.flatMap((piece, i) => [...(i === 0 ? [] : [id]), ...(piece === '' ? [] : [piece])]);
}
