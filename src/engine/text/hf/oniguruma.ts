// The regular expressions of a tokenizer.json. They are written for Oniguruma in Ruby's syntax; here they become
// expressions of JavaScript with the `v` flag that match the same. What has no equal there, or is refused by Oniguruma
// itself, is refused by name.
import { classEscape, propertyClass, WORD } from './oniguruma-classes.ts';

/** Why a pattern is not followed. */
export type Refuse = (is: string) => Error;

/** The source of an expression for the `v` flag. @throws what `refuse` makes */
export function translatePattern(pattern: string, refuse: Refuse): string {
  return new Translator(pattern, refuse).translate();
}

const START = '(?<![^])';
const END = '(?![^])';

/** What stands for itself, whatever it means elsewhere. */
function literal(character: string): string {
  return /^[A-Za-z0-9]$/.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

interface Flags {
  /** `i` */
  foldsCase: boolean;
  /** `m`: the dot takes a line end too. */
  dotTakesAll: boolean;
}

class Translator {
  readonly #pattern: readonly string[];
  readonly #refuse: Refuse;
  #at = 0;
  #atomics = 0;
  #isLookingBehind = false;

  constructor(pattern: string, refuse: Refuse) {
    this.#pattern = Array.from(pattern);
    this.#refuse = refuse;
  }

  translate(): string {
    const source = this.#alternatives({ foldsCase: false, dotTakesAll: false }, 0);
    if (this.#at < this.#pattern.length) throw this.#refuse('it closes a group that is not open');
    return source;
  }

  #peek(text: string): boolean {
    return Array.from(text).every((character, i) => this.#pattern[this.#at + i] === character);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += Array.from(text).length;
    return true;
  }

  #next(): string {
    const character = this.#pattern[this.#at++];
    if (character === undefined) throw this.#refuse('it ends too early');
    return character;
  }

  /** Everything that matches `expression`, from here on. */
  #takeAll(expression: RegExp): string {
    let text = '';
    for (;;) {
      const character = this.#pattern[this.#at];
      if (character === undefined || !expression.test(character)) return text;
      text += character;
      this.#at += 1;
    }
  }

  #alternatives(flags: Flags, depth: number): string {
    if (depth > 200) throw this.#refuse('its groups are too deep');
    let source = '';
    // Letters that stand together: some of them are one letter in another case.
    let run = '';
    for (;;) {
      const character = this.#pattern[this.#at];
      if (character === undefined || character === ')') return source;
      if (this.#take('|')) {
        source += '|';
        run = '';
        continue;
      }
      const isolated = this.#isolatedFlags(flags);
      if (isolated !== null) {
        // From here to the end of the group, alternatives included.
        return `${source}(?:${this.#alternatives(isolated, depth + 1)})`;
      }
      const { text, spells, isAssertion } = this.#item(flags, depth);
      run = spells === null ? '' : run + spells;
      if (flags.foldsCase) this.#checkFolding(run);
      source += this.#quantified(text, isAssertion);
    }
  }

  /** Some letters of another case are two here; that is known for ASCII. */
  #checkFolding(run: string): void {
    const isCased = (letter: string): boolean => letter.toLowerCase() !== letter.toUpperCase();
    if (/(?:s[st]|f[fil])$/.test(run.toLowerCase().replaceAll('ſ', 's'))) {
      throw this.#refuse(`${JSON.stringify(run)} without regard to case is also one letter, which is not followed`);
    }
    if (Array.from(run).some((letter) => letter > '\x7f' && isCased(letter))) {
      throw this.#refuse(`${JSON.stringify(run)} without regard to case is not followed`);
    }
  }

  /** `(?i)`, which is not a group of its own. */
  #isolatedFlags(flags: Flags): Flags | null {
    const rest = this.#pattern.slice(this.#at, this.#at + 12).join('');
    const found = /^\(\?([imx]*(?:-[imx]*)?)\)/.exec(rest);
    if (found?.[1] === undefined) return null;
    this.#at += found[0].length;
    return this.#changed(flags, found[1]);
  }

  #changed(flags: Flags, letters: string): Flags {
    const [on = '', off = ''] = letters.split('-');
    if (letters.includes('x')) throw this.#refuse('(?x) is not followed');
    return {
      foldsCase: (flags.foldsCase || on.includes('i')) && !off.includes('i'),
      dotTakesAll: (flags.dotTakesAll || on.includes('m')) && !off.includes('m'),
    };
  }

  #item(flags: Flags, depth: number): { text: string; spells: string | null; isAssertion: boolean } {
    const character = this.#next();
    const plain = (text: string): { text: string; spells: null; isAssertion: false } => ({
      text,
      spells: null,
      isAssertion: false,
    });
    const assertion = (text: string): { text: string; spells: null; isAssertion: true } => ({
      text,
      spells: null,
      isAssertion: true,
    });
    switch (character) {
      case '(':
        return this.#group(flags, depth);
      case '[':
        return plain(folding(this.#class(depth), flags));
      case '.':
        return plain(flags.dotTakesAll ? '[^]' : '[^\\n]');
      case '^':
        return assertion(`(?:${START}|(?<=\\n)(?=[^]))`);
      case '$':
        return assertion(`(?:(?=\\n)|${END})`);
      case '*':
      case '+':
      case '?':
        throw this.#refuse(`there is nothing before "${character}" that it could repeat`);
      case '\\':
        return this.#escape(flags);
      default:
        return { text: folding(literal(character), flags), spells: character, isAssertion: false };
    }
  }

  #escape(flags: Flags): { text: string; spells: string | null; isAssertion: boolean } {
    const character = this.#pattern[this.#at];
    const anchors: Readonly<Record<string, string>> = {
      A: START,
      z: END,
      Z: `(?=\\n?${END})`,
      b: `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`,
      B: `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`,
    };
    const anchor = anchors[character ?? ''];
    if (anchor !== undefined) {
      this.#at += 1;
      return { text: anchor, spells: null, isAssertion: true };
    }
    const others: Readonly<Record<string, string>> = {
      R: '(?:\\r\\n|(?!\\r\\n)[\\n-\\r\\u{85}\\u{2028}\\u{2029}])',
      N: '[^\\n]',
      O: '[^]',
      w: WORD,
      W: `[^${WORD}]`,
    };
    const other = others[character ?? ''];
    if (other !== undefined) {
      this.#at += 1;
      return { text: other, spells: null, isAssertion: false };
    }
    const set = this.#setEscape();
    if (set !== null) return { text: set, spells: null, isAssertion: false };
    const spelled = this.#characterEscape();
    return { text: folding(literal(spelled), flags), spells: spelled, isAssertion: false };
  }

  /** `\s`, `\p{L}`: what stands for many characters, inside a class and outside. */
  #setEscape(): string | null {
    const character = this.#pattern[this.#at] ?? '';
    const simple = classEscape(character);
    if (simple !== null) {
      this.#at += 1;
      return simple;
    }
    if (character !== 'p' && character !== 'P') return null;
    this.#at += 1;
    if (!this.#take('{')) throw this.#refuse(`\\${character} without {} is not followed`);
    const name = this.#takeAll(/[^}]/);
    if (!this.#take('}')) throw this.#refuse('a property has no end');
    const isNegated = (character === 'P') !== name.startsWith('^');
    const known = propertyClass(name.replace(/^\^/, ''));
    if (known === null) throw this.#refuse(`the property {${name.slice(0, 40)}} is not known`);
    return isNegated ? `[^${known}]` : known;
  }

  #characterEscape(): string {
    const character = this.#next();
    const controls: Readonly<Record<string, string>> = {
      t: '\t',
      n: '\n',
      r: '\r',
      f: '\f',
      v: '\v',
      a: '\x07',
      e: '\x1b',
    };
    const control = controls[character];
    if (control !== undefined) return control;
    if (character === 'x' || character === 'u') return this.#codeEscape(character);
    if (/[A-Za-z0-9]/.test(character)) throw this.#refuse(`\\${character} is not followed`);
    return character;
  }

  /** A code point in hexadecimal, after `\x` or `\u`. */
  #codeEscape(letter: string): string {
    const rest = this.#pattern.slice(this.#at, this.#at + 10).join('');
    const found = (letter === 'u' ? /^([0-9A-Fa-f]{4})/ : /^(?:\{([0-9A-Fa-f]{1,8})\}|([0-7][0-9A-Fa-f]))/).exec(rest);
    const code = Number.parseInt(found?.[1] ?? found?.[2] ?? '', 16);
    if (found === null || !(code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) {
      throw this.#refuse(`\\${letter}${rest.slice(0, 4)} is not followed`);
    }
    this.#at += found[0].length;
    return String.fromCodePoint(code);
  }

  #group(flags: Flags, depth: number): { text: string; spells: null; isAssertion: boolean } {
    const close = (text: string, isAssertion = false): { text: string; spells: null; isAssertion: boolean } => {
      if (!this.#take(')')) throw this.#refuse('a group has no end');
      return { text: `${text})`, spells: null, isAssertion };
    };
    const inside = (): string => this.#alternatives(flags, depth + 1);
    if (!this.#take('?')) {
      if (this.#peek('*')) throw this.#refuse('(* is not followed');
      return close(`(?:${inside()}`);
    }
    if (this.#take('#')) {
      this.#takeAll(/[^)]/);
      return close('(?:');
    }
    if (this.#take(':')) return close(`(?:${inside()}`);
    if (this.#take('=')) return close(`(?=${inside()}`, true);
    if (this.#take('!')) return close(`(?!${inside()}`, true);
    if (this.#take('>')) {
      const text = this.#atomic(inside());
      if (!this.#take(')')) throw this.#refuse('a group has no end');
      return { text, spells: null, isAssertion: false };
    }
    for (const sign of ['<=', '<!']) {
      if (!this.#take(sign)) continue;
      const before = this.#isLookingBehind;
      this.#isLookingBehind = true;
      const text = `(?${sign}${inside()}`;
      this.#isLookingBehind = before;
      return close(text, true);
    }
    if (this.#take('<')) {
      if (this.#takeAll(/\w/) === '' || !this.#take('>')) throw this.#refuse('the name of a group is not one');
      return close(`(?:${inside()}`);
    }
    const letters = this.#takeAll(/[imx-]/);
    if (letters !== '' && this.#take(':')) {
      return close(`(?:${this.#alternatives(this.#changed(flags, letters), depth + 1)}`);
    }
    throw this.#refuse(`the group (?${letters}${this.#pattern[this.#at] ?? ''} is not followed`);
  }

  /** Without a way back into it. JavaScript has that only in what looks ahead. */
  #atomic(source: string): string {
    if (this.#isLookingBehind) throw this.#refuse('a group without a way back, behind the match, is not followed');
    const name = `a${this.#atomics++}`;
    return `(?:(?=(?<${name}>${source}))\\k<${name}>)`;
  }

  #quantified(text: string, isAssertion: boolean): string {
    let source = text;
    let [isRepeated, isLazy] = [false, false];
    for (;;) {
      const quantifier = this.#quantifier();
      if (quantifier === null) return source;
      if (isAssertion) throw this.#refuse('what looks around is repeated');
      if (isLazy) throw this.#refuse('a lazy repetition is repeated');
      // Ruby's {1,3}+ is such a case: one repetition within the other.
      if (isRepeated) source = `(?:${source})`;
      isRepeated = true;
      const isInterval = quantifier.startsWith('{');
      if (!isInterval && this.#take('+')) {
        source = this.#atomic(`${source}${quantifier}`);
      } else if (this.#take('?')) {
        if (isInterval && !quantifier.includes(',')) throw this.#refuse(`${quantifier}? is not followed`);
        isLazy = true;
        source += `${quantifier}?`;
      } else source += quantifier;
    }
  }

  #quantifier(): string | null {
    for (const sign of ['*', '+', '?']) if (this.#take(sign)) return sign;
    const rest = this.#pattern.slice(this.#at, this.#at + 16).join('');
    const found = /^\{(\d*)(,?)(\d*)\}/.exec(rest);
    if (found === null || found[1] + (found[3] ?? '') === '') return null;
    const [whole, least = '', comma = '', most = ''] = found;
    if (most !== '' && Number(least) > Number(most)) throw this.#refuse(`${whole} is not followed`);
    if (Number(least) > 100_000 || Number(most) > 100_000) throw this.#refuse(`${whole} is too large`);
    this.#at += whole.length;
    return `{${least === '' ? 0 : least}${comma}${most}}`;
  }

  /** After its `[`. */
  #class(depth: number): string {
    if (depth > 200) throw this.#refuse('its classes are too deep');
    const isNegated = this.#take('^');
    if (this.#peek(']')) throw this.#refuse('a class starts with "]"');
    const intersected: string[] = [];
    let parts = '';
    for (;;) {
      if (this.#take(']')) break;
      if (this.#take('&&')) {
        intersected.push(`[${parts}]`);
        parts = '';
        continue;
      }
      parts += this.#classItem(depth);
    }
    const all = intersected.length === 0 ? parts : [...intersected, `[${parts}]`].join('&&');
    return `[${isNegated ? '^' : ''}${all}]`;
  }

  #classItem(depth: number): string {
    if (this.#take('[:')) {
      const isNegated = this.#take('^');
      const name = this.#takeAll(/[a-z]/);
      const known = this.#take(':]') ? propertyClass(name, true) : null;
      if (known === null) throw this.#refuse(`[:${name}:] is not known`);
      return isNegated ? `[^${known}]` : known;
    }
    if (this.#take('[')) return this.#class(depth + 1);
    const first = this.#classCharacter();
    if (first.isSet) {
      if (this.#peek('-') && this.#pattern[this.#at + 1] !== ']')
        throw this.#refuse('a class has a range that starts with a class');
      return first.text;
    }
    if (!this.#peek('-') || this.#pattern[this.#at + 1] === ']' || this.#pattern[this.#at + 1] === '[') {
      return literal(first.text);
    }
    this.#at += 1;
    const last = this.#classCharacter();
    if (last.isSet || (last.text.codePointAt(0) ?? 0) < (first.text.codePointAt(0) ?? 0)) {
      throw this.#refuse('a class has a range that ends before it starts');
    }
    // A third "-" stands for itself: [a-c-e].
    const dash = this.#peek('-') && this.#pattern[this.#at + 1] !== ']' ? (this.#take('-'), '\\-') : '';
    return `${literal(first.text)}-${literal(last.text)}${dash}`;
  }

  #classCharacter(): { text: string; isSet: boolean } {
    const character = this.#next();
    if (character !== '\\') return { text: character, isSet: false };
    const letter = this.#pattern[this.#at];
    if (letter === 'w' || letter === 'W') {
      this.#at += 1;
      const word = propertyClass('word') ?? '';
      return { text: letter === 'w' ? word : `[^${word}]`, isSet: true };
    }
    const set = this.#setEscape();
    if (set !== null) return { text: set, isSet: true };
    if (this.#take('b')) return { text: '\b', isSet: false };
    return { text: this.#characterEscape(), isSet: false };
  }
}

function folding(source: string, { foldsCase }: Flags): string {
  return foldsCase ? `(?i:${source})` : source;
}
