// Python's format specifications, as `'{:>8.2f}'.format(x)` and `'%8.2f' % x` share them.
import { integerText, floatText } from './python-text.ts';
import { codePoints } from './unicode.ts';
import { notFollowed, raise } from './values.ts';

export interface Specification {
  fill: string;
  align: '' | '<' | '>' | '=' | '^';
  sign: '' | '+' | '-' | ' ';
  isAlternate: boolean;
  width: number;
  grouping: '' | ',' | '_';
  precision: number | null;
  type: string;
}

/** Above it a template builds text that no prompt needs. */
const MAX_WIDTH = 100_000;

export function parseSpecification(text: string): Specification {
  const match = /^(?:(.)?([<>=^]))?([+\- ]?)(#?)(0?)(\d*)([,_]?)(?:\.(\d+))?([a-zA-Z%]?)$/su.exec(text);
  if (match === null) return raise('ValueError', `Invalid format specifier '${text}'`);
  const [, fill, align = '', sign = '', alternate, zero, width = '', grouping = '', precision, type = ''] = match;
  if (Number(width) > MAX_WIDTH || Number(precision ?? 0) > 100) notFollowed(`the format specification '${text}'`);
  return {
    fill: fill ?? (zero === '0' ? '0' : ' '),
    align: (align || (zero === '0' ? '=' : '')) as Specification['align'],
    sign: sign as Specification['sign'],
    isAlternate: alternate === '#',
    width: Number(width),
    grouping: grouping as Specification['grouping'],
    precision: precision === undefined ? null : Number(precision),
    type,
  };
}

/** @param text the digits or the string; its sign apart */
function pad({ fill, align, width }: Specification, sign: string, text: string, otherwise: '<' | '>'): string {
  const missing = width - codePoints(sign + text).length;
  if (missing <= 0) return sign + text;
  switch (align || otherwise) {
    case '<':
      return sign + text + fill.repeat(missing);
    case '=':
      return sign + fill.repeat(missing) + text;
    case '^': {
      const left = Math.floor(missing / 2);
      return fill.repeat(left) + sign + text + fill.repeat(missing - left);
    }
    case '>':
      return fill.repeat(missing) + sign + text;
  }
}

/** `format(value, specification)` of a str. */
export function formatString(text: string, specification: Specification): string {
  const { type, align, precision, sign, grouping, isAlternate } = specification;
  if ((type !== '' && type !== 's') || align === '=' || sign !== '' || grouping !== '' || isAlternate) {
    return raise('ValueError', `Unknown format code '${type}' for object of type 'str'`);
  }
  const cut = precision === null ? text : codePoints(text).slice(0, precision).join('');
  return pad(specification, '', cut, '<');
}

/** `format(value, specification)` of an int or float. */
export function formatNumber(value: bigint | number, specification: Specification): string {
  const { type, sign } = specification;
  const isNegative = value < 0 || Object.is(value, -0);
  const magnitude = isNegative ? -value : value;
  const prefix = isNegative ? '-' : sign === '-' ? '' : sign;
  const body =
    typeof magnitude === 'bigint' && (type === '' || 'bcdoxXn'.includes(type))
      ? integerBody(magnitude, specification)
      : floatBody(Number(magnitude), typeof magnitude === 'number', specification);
  if (specification.grouping === '') return pad(specification, prefix, body, '>');
  if (type === 'x' || (specification.fill === '0' && specification.align === '=')) {
    notFollowed('grouping of hexadecimal digits or leading zeros');
  }
  const [, digits = '', rest = ''] = /^(\d*)(.*)$/s.exec(body) ?? [];
  const grouped = digits.replaceAll(/\B(?=(\d{3})+$)/g, specification.grouping);
  return pad(specification, prefix, grouped + rest, '>');
}

function integerBody(value: bigint, { type, precision, isAlternate }: Specification): string {
  if (precision !== null) return raise('ValueError', 'Precision not allowed in integer format specifier');
  if (type === 'x') return (isAlternate ? '0x' : '') + value.toString(16);
  return type === '' || type === 'd' ? integerText(value) : notFollowed(`the format code '${type}'`);
}

function floatBody(value: number, isFloat: boolean, { type, precision, isAlternate }: Specification): string {
  if (isAlternate) notFollowed("the format flag '#' of floats");
  if (!isFloat && !'eEfFgG%'.includes(type)) raise('ValueError', `Unknown format code '${type}'`);
  if (!Number.isFinite(value)) {
    const name = Number.isNaN(value) ? 'nan' : 'inf';
    return (type === 'F' ? name.toUpperCase() : name) + (type === '%' ? '%' : '');
  }
  if (type === '%') return `${fixed(value * 100, precision ?? 6)}%`;
  if (type.toLowerCase() === 'f') return fixed(value, precision ?? 6);
  if (type === '' && precision === null) return floatText(value);
  return notFollowed(`the format code '${type}' of floats`);
}

/** `precision` decimals of the float's exact value, ties to the even digit. */
export function fixed(value: number, precision: number): string {
  if (Math.abs(value) >= 1e21) {
    const whole = String(BigInt(value));
    return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`;
  }
  const text = value.toFixed(precision);
  // toFixed rounds a tie up. A float is a tie where its own digits end with the 5.
  const exact = precision <= 70 ? value.toFixed(precision + 30) : '';
  const isTie = new RegExp(`^-?\\d+\\.\\d{${precision}}50{29}$`).test(exact);
  if (!isTie) return text;
  const down = exact.slice(0, precision === 0 ? exact.indexOf('.') : exact.indexOf('.') + 1 + precision);
  return '02468'.includes(down.at(-1) ?? '') ? down : text;
}
