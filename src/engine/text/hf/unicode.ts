// What the characters are in the tables that the `tokenizers` library 0.23 brings along, as differences from the runtime's
// own: its regular expressions know Unicode 16, its normal forms, marks and punctuation are of about Unicode 9. Measured
// on every code point. A character that is not in the older table has no property there.

/** `first-last` or one, in hexadecimal, as a class of the `v` flag. */
function classOf(ranges: string): string {
  const codes = ranges.split(' ').map((range) => range.split('-').map((code) => `\\u{${code}}`));
  return `[${codes.map((range) => range.join('-')).join('')}]`;
}

/** Assigned after Unicode 16. */
const NOT_IN_16: string = classOf(
  '88f c5c cdc 1acf-1aeb 20c1 2b96 a7ce-a7cf a7d2 a7d4 a7f1 fbc3-fbd2 fd90-fd91 fdc8-fdce 10940-10959 10ec5-10efb ' +
    '11b60-11b67 11db0-11de9 16ea0-16ed3 16ff2-16ff6 187f8-187ff 18d09-18df2 1ccfa-1ccfc 1ceba-1cef0 1e6c0-1e6ff ' +
    '1f6d8 1f777-1f77a 1f8d0-1f8d8 1fa54-1fa57 1fa8a-1fa8e 1fac8-1facd 1faea-1faef 1fbfa 2b73a-2b73f 2cea2-2cead ' +
    '323b0-33479',
);

/** Punctuation now. */
const NO_PUNCTUATION: string = classOf(
  '61d 9fd-a76 c77-c84 1b4e-1b4f 1b7d-1b7f 2e43-2e5d 10d6e-10f89 113d4-1145d 11660-116b9 1183b-11fff 12ff1-12ff2 ' +
    '16d6d-16fe2 1e5ff-1e95f',
);

/** Marks now. */
const NO_MARKS: string = classOf(
  '7fd 897-8d3 9fe afa-aff b55 c04-c3c cf3-d00 d3b-d3c d81 eba ece 1715 180f 1abf-1aeb 1cf7 1df6-1dfa a82c a8ff ' +
    '10d24-10f85 11070-11074 110c2 11145-11146 111c9 111ce-111cf 11241 1133b 113b8-113e2 1145e 1182c-11b67 ' +
    '11d31-11f5a 13440-13455 1611e-1612f 16f4f 16f7f-16f87 16fe4-16ff1 1cf00-1cf46 1e08f-1e6f5',
);

/** Nonspacing marks now. */
const NO_NONSPACING: string = classOf(
  '7fd 897-8e1 9fe afa-aff b55 c04-c3c d00 d3b-d3c d81 eba ece 180f-1886 1abf-1aeb 1df6-1dfb a82c a8c5 a8ff a9bd ' +
    '10d24-10f85 11070-11074 110c2 111c9 111cf 1123e-11241 1133b 113bb-1145e 1182f-11f5a 13440-13455 1611e-1612f ' +
    '16f4f 16fe4 1cf00-1cf46 1e000-1e6f5 1e944-1e94a',
);

/** They move, decompose or compose now. */
const NO_DECOMPOSITION: string = classOf(
  '7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1aeb 1df6-1dfa a82c 105c9-105e4 10d24-10f85 11070 1133b ' +
    '11382-113d0 1145e 11839-11a99 11d42-11f42 1611e-1612f 16d63-16ff1 1e08f-1e6f5',
);

/** With a compatibility decomposition now. */
const NO_COMPATIBILITY: string = classOf('32ff a7f1-a7f4 ab69 10781-107ba 1ccd6-1ccf9 1e030-1e06d 1f16c 1fbf0-1fbf9');

export const NEWER_THAN_16: string = NOT_IN_16;

const test = (source: string): ((character: string) => boolean) => {
  const expression = new RegExp(`^(?:${source})`, 'v');
  return (character) => expression.test(character);
};

export const isPunctuation: (character: string) => boolean = test(
  `[[\\p{P}$+<=>^\`\\|~]--${NO_PUNCTUATION}]|[\\u{166d}\\u{111c9}]`,
);
export const isNumeric: (character: string) => boolean = test('\\p{N}');
/** A letter, mark, digit or what joins them; the end of a text is none. */
export const isWordCharacter: (character: string) => boolean = test(
  `[[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]--${NOT_IN_16}]`,
);
export const isWhitespace: (character: string) => boolean = test('\\p{White_Space}');
export const isCombining: (character: string) => boolean = test(`[\\p{M}--${NO_MARKS}]|[\\u{1cf2}\\u{1cf3}]`);
export const isNonspacing: (character: string) => boolean = test(`[\\p{Mn}--${NO_NONSPACING}]|[\\u{1734}\\u{1171e}]`);
/** As BERT removes them. */
export const isControl: (character: string) => boolean = test(
  '[[\\p{Cc}\\p{Cf}\\p{Co}\\u{fffd}]--[\\t\\n\\r\\u{890}\\u{891}\\u{8e2}\\u{110cd}\\u{13430}-\\u{1343f}]]',
);

const inert = new RegExp(`${NO_DECOMPOSITION}+`, 'v');
const inertCompatibility = new RegExp(`[${NO_DECOMPOSITION}${NO_COMPATIBILITY}]+`, 'v');

/** A normal form in which newer characters stay as they are and hold apart what stands around them. */
export function normalForm(text: string, form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): string {
  const unmoved = form === 'NFC' || form === 'NFD' ? inert : inertCompatibility;
  if (!unmoved.test(text)) return text.normalize(form);
  const split = new RegExp(`(${unmoved.source})`, 'v');
  return text
    .split(split)
    .map((part, i) => (i % 2 === 0 ? part.normalize(form) : part))
    .join('');
}
