// `'{} {0[a]} {name:>8}'.format(…)`, as the sandbox allows it.
import { formatNumber, formatString, parseSpecification } from './number-format.ts';
import { repr, str } from './python-text.ts';
import { Undefined, notFollowed, raise, typeName, type Keywords, type Value } from './values.ts';

/** How a field's `.name` and `[key]` are looked up. */
export interface Lookup {
  attribute: (object: Value, name: string) => Value;
  item: (object: Value, key: Value) => Value;
}

export function formatBraces(template: string, args: readonly Value[], keywords: Keywords, lookup: Lookup): string {
  let automatic = 0;
  let isManual = false;
  const valueOf = (name: string): Value => {
    const [, first = '', rest = ''] = /^([^.[]*)(.*)$/s.exec(name) ?? [];
    let value: Value | undefined;
    if (name === '' || /^\d+$/.test(first)) {
      if (first !== '') isManual = true;
      const at = first === '' ? automatic : Number(first);
      if (first === '') automatic += 1;
      if (isManual && automatic > 0) raise('ValueError', 'cannot mix manual and automatic field numbering');
      value = args[at] ?? (at < args.length ? null : undefined);
      if (value === undefined) raise('IndexError', 'Replacement index out of range for positional args tuple');
    } else {
      value = keywords.get(first);
      if (value === undefined) raise('KeyError', `'${first}'`);
    }
    let found: Value = value ?? null;
    for (const [part, attribute, key] of rest.matchAll(/\.([^.[]+)|\[([^\]]+)\]|./gs)) {
      if (attribute !== undefined) found = lookup.attribute(found, attribute);
      else if (key !== undefined) found = lookup.item(found, /^\d+$/.test(key) ? BigInt(key) : key);
      else raise('ValueError', `Only '.' or '[' may follow ']' in format field specifier, not '${part}'`);
    }
    return found;
  };
  return template.replaceAll(/\{\{|\}\}|\{([^{}!:]*)(?:!([^:}]*))?(?::([^{}]*))?\}|[{}]/g, (whole, ...groups) => {
    const [name, conversion, specification] = groups as (string | undefined)[];
    if (whole === '{{' || whole === '}}') return whole.charAt(0);
    if (name === undefined) {
      return template.includes(':') || template.includes('[')
        ? notFollowed('a format string of this shape')
        : raise('ValueError', `Single '${whole}' encountered in format string`);
    }
    const value = valueOf(name);
    if (conversion === undefined) return format(value, specification ?? '');
    if (conversion !== 's' && conversion !== 'r') return notFollowed(`the conversion '!${conversion}'`);
    return format(conversion === 's' ? str(value) : repr(value), specification ?? '');
  });
}

/** Python's `format(value, specification)`. */
function format(value: Value, specification: string): string {
  if (specification === '') return str(value);
  if (typeof value === 'string') return formatString(value, parseSpecification(specification));
  if (typeof value === 'boolean') return formatNumber(value ? 1n : 0n, parseSpecification(specification));
  if (typeof value === 'bigint' || typeof value === 'number') {
    return formatNumber(value, parseSpecification(specification));
  }
  if (value instanceof Undefined) return notFollowed('a format specification of an undefined value');
  return raise('TypeError', `unsupported format string passed to ${typeName(value)}.__format__`);
}
