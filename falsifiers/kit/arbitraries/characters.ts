// Characters to make strings of. Not fast-check's own units: those map all of Unicode when a string arbitrary is made,
// about a second in every process that only imports one.
import fc from 'fast-check';

/** Any Unicode scalar value; one in three is ASCII, so that short strings have both. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(fc.nat(0x7f), fc.integer({ min: 0x80, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((codePoint) => String.fromCodePoint(codePoint));

/** The printable half of ASCII. */
export const printableCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0x20, max: 0x7e })
  .map((codePoint) => String.fromCodePoint(codePoint));

/** What names of stages are made of. */
export const nameCharacter: fc.Arbitrary<string> = fc
  .nat(26)
  .map((i) => (i === 26 ? '_' : String.fromCodePoint(0x61 + i)));
