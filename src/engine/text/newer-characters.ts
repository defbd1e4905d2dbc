// Letters, marks, numbers and punctuation that Unicode 16 and 17 added. llama.cpp cuts text by the tables of Unicode
// 15.1, in which these are not characters yet; a regular expression knows what the runtime knows, so ids would differ
// between llama.cpp and this engine, and between one Node and the next. From General_Category of Unicode 15.1 and
// 17.0.

const NEWER: readonly (readonly [first: number, last: number])[] = [
  [0x88f, 0x88f],
  [0x897, 0x897],
  [0xc5c, 0xc5c],
  [0xcdc, 0xcdc],
  [0x1acf, 0x1add],
  [0x1ae0, 0x1aeb],
  [0x1b4e, 0x1b4f],
  [0x1b7f, 0x1b7f],
  [0x1c89, 0x1c8a],
  [0xa7cb, 0xa7cf],
  [0xa7d2, 0xa7d2],
  [0xa7d4, 0xa7d4],
  [0xa7da, 0xa7dc],
  [0xa7f1, 0xa7f1],
  [0x105c0, 0x105f3],
  [0x10940, 0x10959],
  [0x10d40, 0x10d65],
  [0x10d69, 0x10d85],
  [0x10ec2, 0x10ec7],
  [0x10ed0, 0x10ed0],
  [0x10efa, 0x10efc],
  [0x11380, 0x11389],
  [0x1138b, 0x1138b],
  [0x1138e, 0x1138e],
  [0x11390, 0x113b5],
  [0x113b7, 0x113c0],
  [0x113c2, 0x113c2],
  [0x113c5, 0x113c5],
  [0x113c7, 0x113ca],
  [0x113cc, 0x113d5],
  [0x113d7, 0x113d8],
  [0x113e1, 0x113e2],
  [0x116d0, 0x116e3],
  [0x11b60, 0x11b67],
  [0x11bc0, 0x11be1],
  [0x11bf0, 0x11bf9],
  [0x11db0, 0x11ddb],
  [0x11de0, 0x11de9],
  [0x11f5a, 0x11f5a],
  [0x13460, 0x143fa],
  [0x16100, 0x16139],
  [0x16d40, 0x16d79],
  [0x16ea0, 0x16eb8],
  [0x16ebb, 0x16ed3],
  [0x16ff2, 0x16ff6],
  [0x187f8, 0x187ff],
  [0x18cff, 0x18cff],
  [0x18d09, 0x18d1e],
  [0x18d80, 0x18df2],
  [0x1ccf0, 0x1ccf9],
  [0x1e5d0, 0x1e5fa],
  [0x1e5ff, 0x1e5ff],
  [0x1e6c0, 0x1e6de],
  [0x1e6e0, 0x1e6f5],
  [0x1e6fe, 0x1e6ff],
  [0x2b73a, 0x2b73f],
  [0x2cea2, 0x2cead],
  [0x323b0, 0x33479],
];

const NEWER_CLASS = `[${NEWER.map(([first, last]) => `${String.fromCodePoint(first)}-${String.fromCodePoint(last)}`).join('')}]`;

/**
 * The expression (for the `u` flag) in which no `\\p{…}`, alone or in a class without nesting, takes a newer character
 * for what it has become; a negated class takes it, as it takes everything unassigned.
 */
export function asOfUnicode15(expression: string): string {
  return expression.replaceAll(/\[(\^?)[^\]]*\]|\\p\{[A-Z]\}/g, (part: string, caret: string | undefined) => {
    if (!part.includes('\\p{')) return part;
    return caret === '^' ? `(?:${NEWER_CLASS}|${part})` : `(?:(?!${NEWER_CLASS})${part})`;
  });
}
