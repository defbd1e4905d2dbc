// The `loop` of a for statement. It goes through its items as late as Jinja2 does, for what a loop's body changes in
// a namespace may decide which items follow.
import { equals } from './operators.ts';
import { PyFunction, PyObject, Tuple, Undefined, raise, type Call, type Value } from './values.ts';

export class Loop extends PyObject {
  readonly typeName = 'LoopContext';
  readonly #iterator: Iterator<Value>;
  readonly #recurse: ((items: Value, depth: number) => string) | null;
  readonly #depth0: number;
  /** Read ahead: items that the loop has not come to. */
  readonly #ahead: Value[] = [];
  #isExhausted = false;
  #index0 = -1;
  #current: Value = null;
  #previous: Value = null;
  #changed: Tuple | null = null;

  constructor(items: Iterable<Value>, depth0: number, recurse: ((items: Value, depth: number) => string) | null) {
    super();
    this.#iterator = items[Symbol.iterator]();
    this.#depth0 = depth0;
    this.#recurse = recurse;
  }

  /** Moves to the next item; undefined behind the last. */
  next(): Value | undefined {
    this.#readAhead(1);
    const item = this.#ahead.shift();
    if (item === undefined) return undefined;
    this.#index0 += 1;
    this.#previous = this.#current;
    this.#current = item;
    return item;
  }

  #readAhead(count: number): void {
    while (!this.#isExhausted && this.#ahead.length < count) {
      const { done, value } = this.#iterator.next();
      if (done === true) this.#isExhausted = true;
      else this.#ahead.push(value);
    }
  }

  override get size(): number {
    this.#readAhead(Infinity);
    return this.#index0 + 1 + this.#ahead.length;
  }

  override get call(): Call {
    return (args) => {
      const [items] = args;
      if (this.#recurse === null || items === undefined || args.length > 1) {
        return raise('TypeError', "The loop must have the 'recursive' marker to be called recursively.");
      }
      return this.#recurse(items, this.#depth0 + 1);
    };
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return BigInt(this.#index0 + 1);
      case 'index0':
        return BigInt(this.#index0);
      case 'revindex':
        return BigInt(this.size - this.#index0);
      case 'revindex0':
        return BigInt(this.size - this.#index0 - 1);
      case 'length':
        return BigInt(this.size);
      case 'first':
        return this.#index0 === 0;
      case 'last':
        this.#readAhead(1);
        return this.#ahead.length === 0;
      case 'depth':
        return BigInt(this.#depth0 + 1);
      case 'depth0':
        return BigInt(this.#depth0);
      case 'previtem':
        return this.#index0 === 0 ? new Undefined('there is no previous item') : this.#previous;
      case 'nextitem':
        this.#readAhead(1);
        return this.#ahead[0] ?? (this.#ahead.length > 0 ? null : new Undefined('there is no next item'));
      case 'cycle':
        return new PyFunction('method', (args) => {
          if (args.length === 0) raise('TypeError', 'no items for cycling given');
          return args[this.#index0 % args.length] ?? null;
        });
      case 'changed':
        return new PyFunction('method', (args) => this.#hasChanged(new Tuple(args)));
      default:
        return undefined;
    }
  }

  #hasChanged(values: Tuple): boolean {
    if (this.#changed !== null && equals(this.#changed, values)) return false;
    this.#changed = values;
    return true;
  }

  override repr(): string {
    return `<LoopContext ${this.#index0 + 1}/${this.size}>`;
  }
}
