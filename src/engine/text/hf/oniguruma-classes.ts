// What `\p{…}`, `[:alpha:]`, `\s` and their like mean to Oniguruma: Unicode 16, as classes of JavaScript's `v` flag.
import { NEWER_THAN_16 } from './unicode.ts';

const at16 = (parts: string): string => `[[${parts}]--${NEWER_THAN_16}]`;

/** Outside a class `\w` also takes the numbers of Latin-1. */
const WORD_IN_CLASS = at16('\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}');
export const WORD: string = `[${WORD_IN_CLASS}\\u{b2}\\u{b3}\\u{b9}\\u{bc}-\\u{be}]`;

const CATEGORIES: Readonly<Record<string, string>> = {
  l: 'L',
  letter: 'L',
  lu: 'Lu',
  uppercaseletter: 'Lu',
  ll: 'Ll',
  lowercaseletter: 'Ll',
  lt: 'Lt',
  titlecaseletter: 'Lt',
  lc: 'LC',
  lm: 'Lm',
  modifierletter: 'Lm',
  lo: 'Lo',
  otherletter: 'Lo',
  m: 'M',
  mark: 'M',
  mn: 'Mn',
  nonspacingmark: 'Mn',
  mc: 'Mc',
  spacingmark: 'Mc',
  me: 'Me',
  enclosingmark: 'Me',
  n: 'N',
  number: 'N',
  nd: 'Nd',
  decimalnumber: 'Nd',
  nl: 'Nl',
  letternumber: 'Nl',
  no: 'No',
  othernumber: 'No',
  p: 'P',
  punctuation: 'P',
  pc: 'Pc',
  connectorpunctuation: 'Pc',
  pd: 'Pd',
  dashpunctuation: 'Pd',
  ps: 'Ps',
  openpunctuation: 'Ps',
  pe: 'Pe',
  closepunctuation: 'Pe',
  pi: 'Pi',
  initialpunctuation: 'Pi',
  pf: 'Pf',
  finalpunctuation: 'Pf',
  po: 'Po',
  otherpunctuation: 'Po',
  s: 'S',
  symbol: 'S',
  sm: 'Sm',
  mathsymbol: 'Sm',
  sc: 'Sc',
  currencysymbol: 'Sc',
  sk: 'Sk',
  modifiersymbol: 'Sk',
  so: 'So',
  othersymbol: 'So',
  z: 'Z',
  separator: 'Z',
  zs: 'Zs',
  spaceseparator: 'Zs',
  zl: 'Zl',
  lineseparator: 'Zl',
  zp: 'Zp',
  paragraphseparator: 'Zp',
  c: 'C',
  other: 'C',
  cc: 'Cc',
  control: 'Cc',
  cf: 'Cf',
  format: 'Cf',
  cn: 'Cn',
  unassigned: 'Cn',
  co: 'Co',
  privateuse: 'Co',
};

const OTHERS: Readonly<Record<string, string>> = {
  alpha: at16('\\p{Alphabetic}'),
  alphabetic: at16('\\p{Alphabetic}'),
  alnum: at16('\\p{Alphabetic}\\p{Nd}'),
  ascii: '[\\u{0}-\\u{7f}]',
  blank: '[\\p{Zs}\\t]',
  cntrl: '\\p{Cc}',
  digit: at16('\\p{Nd}'),
  lower: at16('\\p{Lowercase}\\u{295}'),
  lowercase: at16('\\p{Lowercase}\\u{295}'),
  upper: at16('\\p{Uppercase}'),
  uppercase: at16('\\p{Uppercase}'),
  space: '\\p{White_Space}',
  whitespace: '\\p{White_Space}',
  xdigit: '[0-9A-Fa-f]',
  word: WORD_IN_CLASS,
  emoji: at16('\\p{Emoji}'),
  extendedpictographic: at16('\\p{Extended_Pictographic}'),
  ideographic: at16('\\p{Ideographic}'),
  math: at16('\\p{Math}'),
};

const SCRIPTS: readonly string[] = (
  'Arabic Armenian Bengali Bopomofo Cherokee Common Coptic Cyrillic Devanagari Ethiopic Georgian Gothic Greek Gujarati ' +
  'Gurmukhi Han Hangul Hebrew Hiragana Inherited Kannada Katakana Khmer Lao Latin Malayalam Mongolian Myanmar Ogham Oriya ' +
  'Runic Sinhala Syriac Tamil Telugu Thaana Thai Tibetan Yi'
).split(' ');
const scriptOf: ReadonlyMap<string, string> = new Map(SCRIPTS.map((name) => [name.toLowerCase(), name]));

/** @returns null where the name is not known; `isPosix` for those between `[:` and `:]` */
export function propertyClass(name: string, isPosix = false): string | null {
  const key = name.toLowerCase().replaceAll(/[ _-]/g, '');
  if (isPosix) {
    if (key === 'punct') return at16('\\p{P}\\p{S}');
    return POSIX.has(key) ? (OTHERS[key] ?? null) : null;
  }
  if (key === 'punct') return at16('\\p{P}');
  const category = Object.hasOwn(CATEGORIES, key) ? CATEGORIES[key] : undefined;
  if (category !== undefined) return categoryClass(category);
  const script = scriptOf.get(key);
  if (script !== undefined) return at16(`\\p{Script=${script}}`);
  return Object.hasOwn(OTHERS, key) ? (OTHERS[key] ?? null) : null;
}

const POSIX: ReadonlySet<string> = new Set(
  'alpha alnum ascii blank cntrl digit lower space upper xdigit word'.split(' '),
);

function categoryClass(category: string): string {
  // What came later is unassigned.
  if (category === 'C' || category === 'Cn') return `[\\p{${category}}${NEWER_THAN_16}]`;
  // U+0295 changed its kind of letter since.
  if (category === 'Ll' || category === 'LC') return at16(`\\p{${category}}\\u{295}`);
  if (category === 'Lo') return `[${at16('\\p{Lo}')}--\\u{295}]`;
  return at16(`\\p{${category}}`);
}

/** `\s`, `\d`, `\h` and their opposites; null where the letter is none of them. `\w` depends on its place. */
export function classEscape(letter: string): string | null {
  const name = { s: 'space', d: 'digit', h: 'xdigit' }[letter.toLowerCase()];
  if (name === undefined || !/^[a-z]$/i.test(letter)) return null;
  const known = OTHERS[name] ?? null;
  return letter === letter.toLowerCase() || known === null ? known : `[^${known}]`;
}
