import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalText, digestOfJson } from '../../../src/runner/sources/digest.ts';

describe('canonical JSON', () => {
  it('sorts keys by code units, those that look like indices too', () => {
    expect(canonicalJson({ 9: 1, 10: 2, '': 3, b: 4, B: 5, '\uffff': 6, '\u{10000}': 7 })).toBe(
      '{"":3,"10":2,"9":1,"B":5,"b":4,"\u{10000}":7,"\uffff":6}',
    );
  });

  it('stands on many lines with the same order', () => {
    expect(canonicalText({ b: [], a: [1, { d: {}, c: null }] })).toBe(
      '{\n "a": [\n  1,\n  {\n   "c": null,\n   "d": {}\n  }\n ],\n "b": []\n}\n',
    );
  });

  it('keeps a key named __proto__', () => {
    expect(canonicalJson(JSON.parse('{"__proto__": 1}') as { [key: string]: number })).toBe('{"__proto__":1}');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -0])('refuses %d', (value) => {
    expect(() => digestOfJson({ a: [value] })).toThrow(TypeError);
  });
});
