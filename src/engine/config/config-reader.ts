// Takes typed values out of a model's metadata, remembers where each came from, and refuses values that cannot be
// right. Keys are only strings here: the reader of each format and the architecture know which ones matter.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import type { ConfigKey, Provenance } from '../program/config.ts';

export class ConfigReader {
  readonly path: string;
  readonly notices: Notice[] = [];
  readonly provenance: Map<ConfigKey, Provenance> = new Map();
  readonly #metadata: ReadonlyMap<string, unknown>;
  /** Key prefix, e.g. `llama`; '' for none. */
  readonly #prefix: string;
  readonly #layerCount: () => number;

  /** @param layerCount asked for only where a value is given per layer */
  constructor(path: string, metadata: ReadonlyMap<string, unknown>, prefix: string, layerCount: () => number) {
    this.path = path;
    this.#metadata = metadata;
    this.#prefix = prefix;
    this.#layerCount = layerCount;
  }

  /** The keys that the file has under the prefix, without it. */
  keys(): string[] {
    const start = this.full('');
    return [...this.#metadata.keys()].filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
  }

  /** undefined where the key is absent or null; only `isNull` tells them apart. */
  get(key: string): unknown {
    return this.#metadata.get(this.full(key)) ?? undefined;
  }

  /** The key is there, and its value is JSON's null. */
  isNull(key: string): boolean {
    return this.#metadata.get(this.full(key)) === null;
  }

  full(key: string): string {
    return this.#prefix === '' ? key : `${this.#prefix}.${key}`;
  }

  record(name: ConfigKey, source: Provenance['source'], detail: string): void {
    this.provenance.set(name, { source, detail });
  }

  /** A default taken is never silent. */
  default<T extends string | number | boolean>(name: ConfigKey, code: string, key: string, value: T, why: string): T {
    this.record(name, 'default', why);
    const message = `${this.full(key)} is absent; ${name} = ${value} is taken (${why}).`;
    this.notices.push({ severity: 'note', code, message });
    return value;
  }

  /**
   * A whole number from 1 to `limit`, or undefined where the key is absent. An array of one equal number per layer
   * counts as that number.
   *
   * @throws RefuteError E_CONFIG_VALUE, E_CONFIG_PER_LAYER
   */
  count(name: ConfigKey, key: string, limit: number): number | undefined {
    const value = this.#uniform(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > limit) {
      throw this.valueError(key, value, `it must be a whole number from 1 to ${limit}`);
    }
    this.record(name, 'metadata', this.full(key));
    return value;
  }

  /** @throws RefuteError E_CONFIG_MISSING_KEY and as `count` does */
  requiredCount(name: ConfigKey, key: string, limit: number): number {
    return this.count(name, key, limit) ?? this.missing(key);
  }

  /** A finite number above 0, or undefined where the key is absent. @throws RefuteError E_CONFIG_VALUE */
  positive(name: ConfigKey, key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || !(value > 0)) {
      throw this.valueError(key, value, 'it must be a finite number above 0');
    }
    this.record(name, 'metadata', this.full(key));
    return value;
  }

  /** A truth value, or undefined where the key is absent. @throws RefuteError E_CONFIG_VALUE */
  flag(name: ConfigKey, key: string): boolean | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'boolean') throw this.valueError(key, value, 'true or false is needed');
    this.record(name, 'metadata', this.full(key));
    return value;
  }

  requiredPositive(name: ConfigKey, key: string): number {
    return this.positive(name, key) ?? this.missing(key);
  }

  missing(key: string): never {
    const is = `the metadata has no ${this.full(key)}`;
    const allowed = 'the forward pass depends on it and no default would be safe';
    const next = 'Convert the model again';
    throw new RefuteError({ code: 'E_CONFIG_MISSING_KEY', place: this.path, is, allowed, next });
  }

  valueError(key: string, value: unknown, allowed: string): RefuteError {
    const is = `${this.full(key)} is ${shownValue(value)}`;
    return new RefuteError({ code: 'E_CONFIG_VALUE', place: this.path, is, allowed });
  }

  #uniform(key: string): unknown {
    const value = this.get(key);
    if (!Array.isArray(value)) return value;
    const first: unknown = value[0];
    if (value.length === this.#layerCount() && value.every((one) => one === first)) return first;
    const is = `${this.full(key)} is ${shownValue(value)}`;
    const allowed = `one number, or ${this.#layerCount()} equal ones, are supported; layers that differ are not`;
    throw new RefuteError({ code: 'E_CONFIG_PER_LAYER', place: this.path, is, allowed });
  }
}
