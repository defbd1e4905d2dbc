// Python's dict: keys in the order of their first insertion, equal where Python's are (1, 1.0 and True are one key).
import { PyCollection, Tuple, raise, typeName, Markup, Undefined, type PyObject, type Value } from './values.ts';
import { work } from './work.ts';

export class Dict extends PyCollection {
  readonly typeName = 'dict';
  readonly #entries = new Map<string, { key: Value; value: Value }>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    super();
    for (const [key, value] of entries) this.set(key, value);
  }

  /** Only for what builds one: a template cannot change a dict. */
  set(key: Value, value: Value): void {
    const hash = hashOf(key);
    const entry = this.#entries.get(hash);
    if (entry === undefined) this.#entries.set(hash, { key, value });
    else entry.value = value;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.value;
  }

  has(key: Value): boolean {
    return this.#entries.has(hashOf(key));
  }

  *items(): Iterable<[Value, Value]> {
    for (const { key, value } of this.#entries.values()) yield [key, value];
  }

  override get size(): number {
    return this.#entries.size;
  }

  override *iterate(): Iterable<Value> {
    for (const { key } of this.#entries.values()) yield key;
  }

  override item(key: Value): Value | undefined {
    return isHashable(key) ? this.get(key) : undefined;
  }

  override repr(inner: (value: Value) => string): string {
    return `{${[...this.items()].map(([key, value]) => `${inner(key)}: ${inner(value)}`).join(', ')}}`;
  }
}

/** What `keys`, `values` and `items` return: a look at the dict, not a list. */
export class DictView extends PyCollection {
  readonly typeName: string;
  readonly #dict: Dict;
  readonly #show: (key: Value, value: Value) => Value;

  constructor(kind: 'keys' | 'values' | 'items', dict: Dict) {
    super();
    this.typeName = `dict_${kind}`;
    this.#dict = dict;
    const shows = {
      keys: (key: Value) => key,
      values: (_: Value, value: Value) => value,
      items: (key: Value, value: Value) => new Tuple([key, value]),
    };
    this.#show = shows[kind];
  }

  override get size(): number {
    return this.#dict.size;
  }

  override *iterate(): Iterable<Value> {
    for (const [key, value] of this.#dict.items()) yield this.#show(key, value);
  }

  override repr(inner: (value: Value) => string): string {
    return `${this.typeName}([${[...this.iterate()].map(inner).join(', ')}])`;
  }
}

export function isHashable(value: Value): boolean {
  if (value instanceof Tuple) return value.items.every(isHashable);
  return !(Array.isArray(value) || value instanceof Dict);
}

const identities = new WeakMap<PyObject, number>();
let identityCount = 0;

/** The same text for equal keys. */
export function hashOf(value: Value): string {
  work();
  if (typeof value === 'string') return `s${value}`;
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isInteger(value) ? String(BigInt(value)) : String(value);
  if (Array.isArray(value) || value instanceof Dict) {
    return raise('TypeError', `unhashable type: '${typeName(value)}'`);
  }
  // Lengths before the parts, so that no two lists of parts spell one text.
  if (value instanceof Tuple)
    return `t${value.items
      .map((item) => hashOf(item))
      .map((s) => `${s.length}:${s}`)
      .join('')}`;
  if (value instanceof Markup) return `s${value.text}`;
  if (value instanceof Undefined) return 'Undefined';
  const identity = identities.get(value) ?? (identityCount += 1);
  identities.set(value, identity);
  return `o${identity}`;
}
