// Typed reads from a file's key-value data. A key of the wrong type is an error, never a missing key.
import { RefuteError } from '../../errors.ts';

export class TokenizerKeys {
  readonly #metadata: ReadonlyMap<string, unknown>;

  constructor(metadata: ReadonlyMap<string, unknown>) {
    this.#metadata = metadata;
  }

  error(code: string, key: string, is: string, allowed?: string): RefuteError {
    return new RefuteError({ code, place: key, is, ...(allowed === undefined ? {} : { allowed }) });
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

  /** A token id below `vocabSize`. */
  id(key: string, vocabSize: number): number | null {
    const value = this.#metadata.get(key);
    if (value === undefined) return null;
    if (typeof value !== 'number' && typeof value !== 'bigint') throw this.#typeError(key, value, 'a token id');
    const id = Number(value);
    if (Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
    throw this.error('E_TOKENIZER_ID', key, `${value} is not a token`, `ids go from 0 to ${vocabSize - 1}`);
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
