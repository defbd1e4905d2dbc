// How `a.b` and `a['b']` look things up in Jinja2's immutable sandbox.
import { Dict, DictView } from './dict.ts';
import { equals, itemOf } from './operators.ts';
import { bind, positional } from './parameters.ts';
import { repr, str } from './python-text.ts';
import { stringAttribute } from './string-methods.ts';
import {
  Markup,
  PyFunction,
  PyObject,
  Range,
  Tuple,
  Undefined,
  notFollowed,
  raise,
  typeName,
  type Value,
} from './values.ts';

/** Methods that change their object; the sandbox gives something undefined in their place. */
const MUTATORS = new Set('append clear pop reverse insert sort extend remove popitem setdefault update'.split(' '));
/** Attributes that Python has and templates do not use; not followed rather than taken for missing. */
const NUMBER_ATTRIBUTES = new Set(
  'real imag numerator denominator conjugate bit_length bit_count to_bytes from_bytes as_integer_ratio is_integer hex fromhex'.split(
    ' ',
  ),
);

/** `object.name`: the attribute, and the item where there is no attribute. */
export function attributeOrItem(object: Value, name: string): Value {
  const attribute = attributeOf(object, name);
  const found = attribute === undefined ? itemOf(object, name) : attribute;
  return found === undefined ? missing(object, name) : found;
}

/** `object[key]`: the item, and the attribute where there is no item and the key is a string. */
export function itemOrAttribute(object: Value, key: Value): Value {
  const found = itemOf(object, key);
  if (found !== undefined) return found;
  if (key instanceof Markup) return notFollowed('a key that is marked safe');
  const attribute = typeof key === 'string' ? attributeOf(object, key) : undefined;
  return attribute === undefined ? missing(object, key) : attribute;
}

function missing(object: Value, name: Value): Undefined {
  const owner = object === null ? 'None' : `${typeName(object)} object`;
  const what = typeof name === 'string' ? `has no attribute ${repr(name)}` : `has no element ${str(name)}`;
  return new Undefined(`'${owner}' ${what}`);
}

function unsafe(object: Value, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`, 'SecurityError');
}

/** What Python's `getattr` finds, as the sandbox passes it on; undefined where it finds nothing. */
export function attributeOf(object: Value, name: string): Value | undefined {
  if (object instanceof Undefined) return object.attribute();
  if (/^__.*__$/s.test(name)) return notFollowed(`the attribute ${name}`);
  if (typeof object === 'string') {
    return stringAttribute(object, name, { attribute: attributeOrItem, item: itemOrAttribute });
  }
  if (Array.isArray(object)) return listAttribute(object, name);
  if (object instanceof Dict) return dictAttribute(object, name);
  if (object instanceof Tuple) {
    const named = object.attribute(name);
    return named === undefined ? sequenceMethod(object.items, name) : named;
  }
  if (object instanceof Markup) return notFollowed(`.${name} of text that is marked safe`);
  if (object instanceof Range || object instanceof DictView) {
    return /^[a-z]+$/.test(name) ? notFollowed(`.${name} of a ${object.typeName}`) : undefined;
  }
  if (object instanceof PyObject) return object.attribute(name);
  return object !== null && NUMBER_ATTRIBUTES.has(name) ? notFollowed(`.${name} of a number`) : undefined;
}

function builtin(call: PyFunction['call']): PyFunction {
  return new PyFunction('builtin_function_or_method', call);
}

function listAttribute(list: Value[], name: string): Value | undefined {
  if (name === 'copy') return builtin((args, keywords) => (positional(name, args, keywords, 0, 0), [...list]));
  const isMutator = MUTATORS.has(name) && !['popitem', 'setdefault', 'update'].includes(name);
  return isMutator ? unsafe(list, name) : sequenceMethod(list, name);
}

function sequenceMethod(items: readonly Value[], name: string): Value | undefined {
  if (name === 'count') {
    return builtin((args, keywords) => {
      positional(name, args, keywords, 1, 1);
      return BigInt(items.filter((item) => equals(item, args[0] ?? null)).length);
    });
  }
  if (name !== 'index') return undefined;
  return builtin((args, keywords) => {
    positional(name, args, keywords, 1, 3);
    if (args.length > 1) notFollowed('the bounds of list.index()');
    const at = items.findIndex((item) => equals(item, args[0] ?? null));
    return at < 0 ? raise('ValueError', `${repr(args[0] ?? null)} is not in list`) : BigInt(at);
  });
}

function dictAttribute(dict: Dict, name: string): Value | undefined {
  switch (name) {
    case 'get':
      return builtin((args, keywords) => {
        positional(name, args, keywords, 1, 2);
        const found = dict.get(args[0] ?? null);
        return found === undefined ? (args[1] ?? null) : found;
      });
    case 'keys':
    case 'values':
    case 'items':
      return builtin((args, keywords) => (positional(name, args, keywords, 0, 0), new DictView(name, dict)));
    case 'copy':
      return builtin((args, keywords) => (bind(name, {}, args, keywords), new Dict(dict.items())));
    case 'fromkeys':
      return builtin(() => notFollowed('dict.fromkeys()'));
    default:
      return ['clear', 'pop', 'popitem', 'setdefault', 'update'].includes(name) ? unsafe(dict, name) : undefined;
  }
}
