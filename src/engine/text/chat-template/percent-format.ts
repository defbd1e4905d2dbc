// `'%s: %d' % (name, count)`.
import { formatNumber, parseSpecification } from './number-format.ts';
import { Dict } from './dict.ts';
import { repr, str } from './python-text.ts';
import { codePoints, lengthOf } from './unicode.ts';
import { Tuple, Undefined, notFollowed, raise, typeName, type Value } from './values.ts';

export function formatPercent(template: string, right: Value): string {
  const args = right instanceof Tuple ? right.items : [right];
  let used = 0;
  const next = (): Value => {
    const value = args[used];
    used += 1;
    return value === undefined ? raise('TypeError', 'not enough arguments for format string') : value;
  };
  const pattern = /%(?:\(([^)]*)\))?([#0\- +]*)(\*|\d+)?(?:\.(\*|\d+))?(?:[hlL](?=.))?(.)?/gsu;
  const text = template.replaceAll(
    pattern,
    (whole, key?: string, flags = '', width?: string, precision?: string, type?: string) => {
      if (type === undefined) return raise('ValueError', 'incomplete format');
      if (whole === '%%') return '%';
      if (width === '*' || precision === '*') return notFollowed("'*' in a format string");
      if (key !== undefined && !(right instanceof Dict)) return raise('TypeError', 'format requires a mapping');
      const value = key === undefined ? next() : right instanceof Dict ? right.get(key) : undefined;
      if (value === undefined) return raise('KeyError', `'${key}'`);
      return convert(value, type, flags, width ?? '', precision);
    },
  );
  if (used < args.length && !(right instanceof Dict && !(right instanceof Tuple))) {
    // A list or a dict may stand unused; so may an Undefined, which Python takes for a mapping.
    const isUnused = used === 0 && (Array.isArray(right) || right instanceof Undefined);
    if (!isUnused) raise('TypeError', 'not all arguments converted during string formatting');
  }
  return text;
}

function convert(value: Value, type: string, flags: string, width: string, precision: string | undefined): string {
  const align = flags.includes('-') ? '<' : flags.includes('0') && !'sra'.includes(type) ? '=' : '>';
  const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const fill = align === '=' ? '0' : ' ';
  const specify = (code: string): ReturnType<typeof parseSpecification> =>
    parseSpecification(
      `${fill}${align}${'sra'.includes(type) ? '' : sign}${width}${precision === undefined ? '' : `.${precision}`}${code}`,
    );
  switch (type) {
    case 's':
    case 'r': {
      const specification = specify('');
      const text = type === 's' ? str(value) : repr(value);
      const cut = specification.precision === null ? text : codePoints(text).slice(0, specification.precision).join('');
      const missing = ' '.repeat(Math.max(0, specification.width - lengthOf(cut)));
      return align === '<' ? cut + missing : missing + cut;
    }
    case 'd':
    case 'i':
    case 'u': {
      if (precision !== undefined) return notFollowed("a precision of '%d'");
      const number = numberOf(value, type);
      if (typeof number === 'number' && !Number.isFinite(number)) {
        return raise('OverflowError', 'cannot convert float infinity or NaN to integer');
      }
      return formatNumber(typeof number === 'number' ? BigInt(Math.trunc(number)) : number, specify('d'));
    }
    case 'x': {
      const number = numberOf(value, type);
      if (precision !== undefined || flags.includes('#')) return notFollowed(`flags of '%${type}'`);
      if (typeof number === 'number') return raise('TypeError', `%${type} format: an integer is required, not float`);
      return formatNumber(number, specify(type));
    }
    case 'f':
    case 'F':
      if (flags.includes('#')) return notFollowed(`the flag '#' of '%${type}'`);
      return formatNumber(Number(numberOf(value, type)), specify(type));
    default:
      return 'aceEgGoX'.includes(type)
        ? notFollowed(`'%${type}'`)
        : raise('ValueError', `unsupported format character '${type}'`);
  }
}

function numberOf(value: Value, type: string): bigint | number {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  if (value instanceof Undefined) return value.fail();
  return raise('TypeError', `%${type} format: a number is required, not ${typeName(value)}`);
}
