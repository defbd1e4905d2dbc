// What a template finds beside its variables: Jinja2's functions and those of Transformers.
import { Dict } from './dict.ts';
import { wholeNumber } from './operators.ts';
import { bind, positional } from './parameters.ts';
import { str } from './python-text.ts';
import { strftime } from './strftime.ts';
import {
  Namespace,
  PyFunction,
  PyObject,
  Range,
  Undefined,
  notFollowed,
  raise,
  typeName,
  type Call,
  type Keywords,
  type Value,
} from './values.ts';

/** The sandbox's own limit. */
const MAX_RANGE = 100_000;

/**
 * @param refuse what `raise_exception` does with its message
 * @param now the clock of `strftime_now`
 */
export function globalNames(refuse: (message: string) => never, now: () => Date): [string, Value][] {
  const functions: Record<string, Call> = {
    range,
    dict: (args, keywords) => new Dict(entries('dict', args, keywords)),
    namespace(args, keywords) {
      const result = new Namespace();
      for (const [name, value] of entries('namespace', args, keywords)) result.set(str(name), value);
      return result;
    },
    cycler(args, keywords) {
      positional('cycler', args, keywords, 0, Infinity);
      return args.length === 0 ? raise('RuntimeError', 'at least one item has to be provided') : new Cycler(args);
    },
    joiner(args, keywords) {
      const [separator = null] = bind('joiner', { sep: ', ' }, args, keywords);
      let isUsed = false;
      return new PyFunction('Joiner', () => {
        const text = isUsed ? separator : '';
        isUsed = true;
        return text;
      });
    },
    lipsum: () => notFollowed('lipsum'),
    raise_exception(args, keywords) {
      const [message = null] = bind('raise_exception', { message: undefined }, args, keywords);
      return refuse(str(message));
    },
    strftime_now(args, keywords) {
      const [format = null] = bind('strftime_now', { format: undefined }, args, keywords);
      if (typeof format !== 'string') raise('TypeError', `strftime() argument 1 must be str, not ${typeName(format)}`);
      return strftime(now(), str(format));
    },
  };
  return Object.entries(functions).map(([name, call]) => [name, new PyFunction('function', call)]);
}

/** `dict(mapping, **more)`. */
function entries(name: string, args: Value[], keywords: Keywords): [Value, Value][] {
  if (args.length > 1) raise('TypeError', `${name} expected at most 1 argument, got ${args.length}`);
  const [source] = args;
  // Python looks for its `keys`, which is an attribute of something undefined.
  if (source instanceof Undefined) source.fail();
  if (source === undefined || source instanceof Dict) return [...(source?.items() ?? []), ...keywords];
  return notFollowed(`${name}() of a ${typeName(source)}`);
}

function range(args: Value[], keywords: Keywords): Value {
  positional('range', args, keywords, 1, 3);
  const numbers = args.map((value) => (value instanceof Undefined ? value.fail() : wholeNumber(value)));
  const [first = 0n, second, step = 1n] = numbers;
  if (step === 0n) raise('ValueError', 'range() arg 3 must not be zero');
  const result = second === undefined ? new Range(0n, first, 1n) : new Range(first, second, step);
  if (result.size > MAX_RANGE) {
    raise('OverflowError', `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`);
  }
  return result;
}

class Cycler extends PyObject {
  readonly typeName = 'Cycler';
  readonly #items: readonly Value[];
  #at = 0;

  constructor(items: readonly Value[]) {
    super();
    this.#items = items;
  }

  override attribute(name: string): Value | undefined {
    const current = this.#items[this.#at] ?? null;
    if (name === 'current') return current;
    if (name !== 'next' && name !== 'reset') return undefined;
    return new PyFunction('method', () => {
      const item = this.#items[this.#at] ?? null;
      this.#at = name === 'next' ? (this.#at + 1) % this.#items.length : 0;
      return name === 'next' ? item : null;
    });
  }
}
