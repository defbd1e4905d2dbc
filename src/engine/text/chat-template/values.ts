// Python's values as a template sees them. None, bool, int, float, str and list are null, boolean, bigint, number,
// string and Array here, so that `1` and `1.0` stay apart; everything else is a PyObject.

export type Value = null | boolean | bigint | number | string | Value[] | PyObject;
export type Keywords = ReadonlyMap<string, Value>;

/** What Python or Jinja2 would raise: the template is at fault, there as here. */
class PythonError extends Error {}

/** What Jinja2 would render and this interpreter cannot render to the character. */
export class NotFollowed extends Error {}

export type Call = (args: Value[], keywords: Keywords) => Value;

export function raise(kind: string, message: string): never {
  throw new PythonError(`${kind}: ${message}`);
}

export function notFollowed(what: string): never {
  throw new NotFollowed(`${what} is not followed here`);
}

export abstract class PyObject {
  /** Python's name of the type, as error messages show it. */
  abstract readonly typeName: string;

  get truth(): boolean {
    return true;
  }

  /** `len()`. */
  get size(): number {
    return raise('TypeError', `object of type '${this.typeName}' has no len()`);
  }

  get isIterable(): boolean {
    return false;
  }

  /** Called with positional and keyword arguments; undefined where it cannot be called. */
  get call(): Call | undefined {
    return undefined;
  }

  iterate(): Iterable<Value> {
    return raise('TypeError', `'${this.typeName}' object is not iterable`);
  }

  /** An attribute, undefined where the type has none of this name. */
  attribute(_name: string): Value | undefined {
    return undefined;
  }

  /** `object[key]`, undefined where Python raises a TypeError or LookupError. */
  item(_key: Value): Value | undefined {
    return undefined;
  }

  repr(_inner: (value: Value) => string): string {
    return notFollowed(`the text of a ${this.typeName} (it holds an address)`);
  }
}

/** What has a length and is gone through; false where it is empty. */
export abstract class PyCollection extends PyObject {
  abstract override get size(): number;

  override get truth(): boolean {
    return this.size > 0;
  }

  override get isIterable(): boolean {
    return true;
  }
}

/** Jinja2's Undefined: prints as nothing, is false and empty, and raises at every other use. */
export class Undefined extends PyCollection {
  readonly typeName = 'Undefined';
  readonly #kind: string;
  readonly #hint: string;

  constructor(hint: string, kind = 'UndefinedError') {
    super();
    this.#hint = hint;
    this.#kind = kind;
  }

  fail(): never {
    return raise(this.#kind, this.#hint);
  }

  override get size(): number {
    return 0;
  }

  override iterate(): Iterable<Value> {
    return [];
  }

  override get call(): Call {
    return () => this.fail();
  }

  override attribute(): never {
    return this.fail();
  }

  override item(): never {
    return this.fail();
  }

  override repr(): string {
    return 'Undefined';
  }
}

export class Tuple extends PyCollection {
  readonly typeName = 'tuple';
  readonly items: readonly Value[];
  readonly #names: readonly string[];

  /** @param names of the items of a named tuple */
  constructor(items: readonly Value[], names: readonly string[] = []) {
    super();
    this.items = items;
    this.#names = names;
  }

  override get size(): number {
    return this.items.length;
  }

  override iterate(): Iterable<Value> {
    return this.items;
  }

  override attribute(name: string): Value | undefined {
    return this.items[this.#names.indexOf(name)];
  }

  override repr(inner: (value: Value) => string): string {
    return `(${this.items.map(inner).join(', ')}${this.items.length === 1 ? ',' : ''})`;
  }
}

export class PyFunction extends PyObject {
  readonly typeName: string;
  readonly #call: Call;

  constructor(typeName: string, call: Call) {
    super();
    this.typeName = typeName;
    this.#call = call;
  }

  override get call(): Call {
    return this.#call;
  }
}

export class Macro extends PyFunction {
  readonly name: string | null;

  constructor(name: string | null, call: Call) {
    super('Macro', call);
    this.name = name;
  }

  override attribute(name: string): Value | undefined {
    if (name === 'name') return this.name;
    return ['arguments', 'catch_kwargs', 'catch_varargs', 'caller', 'explicit_caller'].includes(name)
      ? notFollowed(`.${name} of a macro`)
      : undefined;
  }

  override repr(inner: (value: Value) => string): string {
    return `<Macro ${this.name === null ? 'anonymous' : inner(this.name)}>`;
  }
}

/** What generators and iterators are: gone through once, and only as far as is asked. */
export class Stream extends PyObject {
  readonly typeName: string;
  readonly #iterator: Iterator<Value>;

  constructor(source: Iterable<Value>, typeName = 'generator') {
    super();
    this.typeName = typeName;
    this.#iterator = source[Symbol.iterator]();
  }

  override get isIterable(): boolean {
    return true;
  }

  override iterate(): Iterable<Value> {
    // Not the iterator itself: leaving a `for … of` would end it, and Python goes on where it stopped.
    const next = (): IteratorResult<Value> => this.#iterator.next();
    return { [Symbol.iterator]: () => ({ next }) };
  }
}

/** Text that `safe` or `escape` has marked: prints as it is, and escapes what is added to it. */
export class Markup extends PyObject {
  readonly typeName = 'Markup';
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override get truth(): boolean {
    return this.text !== '';
  }
}

/** Jinja2's namespace: the one thing that a template can change. */
export class Namespace extends PyObject {
  readonly typeName = 'Namespace';
  readonly #attributes = new Map<string, Value>();

  set(name: string, value: Value): void {
    if (name.startsWith('_')) {
      raise('SecurityError', `Chat templates cannot store underscore-prefixed attributes on a namespace: '${name}'`);
    }
    this.#attributes.set(name, value);
  }

  override attribute(name: string): Value | undefined {
    return this.#attributes.get(name);
  }

  override repr(inner: (value: Value) => string): string {
    const items = [...this.#attributes].map(([name, value]) => `${inner(name)}: ${inner(value)}`);
    return `<Namespace {${items.join(', ')}}>`;
  }
}

/** `range(start, stop, step)`. */
export class Range extends PyCollection {
  readonly typeName = 'range';
  readonly #start: bigint;
  readonly #stop: bigint;
  readonly #step: bigint;
  readonly #size: number;

  constructor(start: bigint, stop: bigint, step: bigint) {
    super();
    this.#start = start;
    this.#stop = stop;
    this.#step = step;
    const distance = step > 0n ? stop - start + step - 1n : stop - start + step + 1n;
    const size = distance / step;
    this.#size = size > 0n ? Number(size) : 0;
  }

  override get size(): number {
    return this.#size;
  }

  override *iterate(): Iterable<Value> {
    for (let i = 0; i < this.#size; i += 1) yield this.at(i);
  }

  at(index: number): bigint {
    return this.#start + BigInt(index) * this.#step;
  }

  override repr(): string {
    return `range(${this.#start}, ${this.#stop}${this.#step === 1n ? '' : `, ${this.#step}`})`;
  }
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'str';
  return Array.isArray(value) ? 'list' : value.typeName;
}
