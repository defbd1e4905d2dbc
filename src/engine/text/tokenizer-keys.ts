// Typed reads from a file's key-value data. A key of the wrong type is an error, never a missing key.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';

export class TokenizerKeys {
  readonly #metadata: ReadonlyMap<string, unknown>;

  constructor(metadata: ReadonlyMap<string, unknown>) {
    this.#metadata = metadata;
  }

  /** Whatever is wrong with a vocabulary, ids need none of it. */
  error(code: string, key: string, is: string, allowed?: string): RefuteError {
    const next = 'Give the prompt as ids: --tokens 1,5,9';
    return new RefuteError({ code, place: key, is, ...(allowed === undefined ? {} : { allowed }), next });
  }

  /** What follows `prefix` in the names of the keys that begin with it. */
  keysFrom(prefix: string): string[] {
    return [...this.#metadata.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  string(key: string): string | null {
    const value = this.#metadata.get(key);
    if (value === undefined) return null;
    if (typeof value === 'string') return value;
    throw this.#typeError(key, value, 'a string');
  }

  flag(key: string): boolean | null {
    const value = this.#metadata.get(key);
    if (value === undefined) return null;
    if (typeof value === 'boolean') return value;
    throw this.#typeError(key, value, 'a truth value');
  }

  /** A token id below `vocabSize`; another number is as good as none, with a notice. */
  id(key: string, vocabSize: number, notify: (notice: Notice) => void): number | null {
    const value = this.#metadata.get(key);
    if (value === undefined) return null;
    if (typeof value !== 'number' && typeof value !== 'bigint') throw this.#typeError(key, value, 'a token id');
    const id = Number(value);
    if (Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
    const message = `${key} is ${value}, ids go from 0 to ${vocabSize - 1}: the key is left out of account.`;
    notify({ severity: 'warning', code: 'TOKEN-ID', message });
    return null;
  }

  strings(key: string): readonly string[] | null {
    const value = this.#metadata.get(key);
    if (value === undefined) return null;
    if (isListOf(value, 'string')) return value;
    throw this.#typeError(key, value, 'a list of strings');
  }

  /** At least `length` numbers; the rest is left off. */
  numbers(key: string, length: number): readonly number[] | null {
    const value = this.#metadata.get(key);
    if (value === undefined) return null;
    if (!isListOf(value, 'number')) throw this.#typeError(key, value, 'a list of numbers');
    if (value.length < length) {
      throw this.error(
        'E_TOKENIZER_LENGTH',
        key,
        `${value.length} entries for ${length} tokens`,
        'one a token is needed',
      );
    }
    return value.length === length ? value : value.slice(0, length);
  }

  #typeError(key: string, value: unknown, wanted: string): RefuteError {
    const is = Array.isArray(value) ? 'a list that holds something else' : `a ${typeof value}`;
    return this.error('E_TOKENIZER_TYPE', key, is, `${wanted} is needed`);
  }
}

function isListOf(value: unknown, type: 'string'): value is string[];
function isListOf(value: unknown, type: 'number'): value is number[];
function isListOf(value: unknown, type: 'string' | 'number'): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === type);
}
