// One component of a tokenizer.json (a normalizer, a decoder, the model …) with typed reads. What the `tokenizers`
// library refuses in it, or what is not followed here, is refused by the component's name and key.
import { RefuteError } from '../../../errors.ts';

export type Json = Readonly<Record<string, unknown>>;

export class Part {
  readonly type: string;
  readonly #place: string;
  readonly #json: Json;

  /** @param place where it stands: `pre_tokenizer[1]` */
  constructor(place: string, json: unknown) {
    this.#place = place;
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw this.error('it is not an object');
    this.#json = json as Json;
    const { type } = this.#json;
    this.type = typeof type === 'string' ? type : '';
    if (this.type !== '') this.#place = `${place} ${this.type.slice(0, 40)}`;
  }

  error(is: string, allowed?: string): RefuteError {
    const next = 'Prompts as ids still work: --tokens 1,5,9';
    const place = `tokenizer.json: ${this.#place}`;
    return new RefuteError({
      code: 'E_TOKENIZER_JSON',
      place,
      is,
      next,
      ...(allowed === undefined ? {} : { allowed }),
    });
  }

  unknownType(): RefuteError {
    return this.error(this.type === '' ? 'it has no type' : 'its type is not one that is followed here');
  }

  keys(): string[] {
    return Object.keys(this.#json);
  }

  get(key: string): unknown {
    return this.#json[key];
  }

  isNull(key: string): boolean {
    return this.#json[key] === undefined || this.#json[key] === null;
  }

  keyError(key: string, allowed: string): RefuteError {
    const value = this.#json[key];
    const is = value === undefined ? `${key} is missing` : `${key} is ${JSON.stringify(value)?.slice(0, 80)}`;
    return this.error(is, allowed);
  }

  string(key: string): string {
    const value = this.#json[key];
    if (typeof value === 'string') return value;
    throw this.keyError(key, 'a string is needed');
  }

  flag(key: string, absent?: boolean): boolean {
    const value = this.#json[key];
    if (typeof value === 'boolean') return value;
    if (value === undefined && absent !== undefined) return absent;
    throw this.keyError(key, 'true or false is needed');
  }

  character(key: string): string {
    const value = this.#json[key];
    if (typeof value === 'string' && Array.from(value).length === 1) return value;
    throw this.keyError(key, 'one character is needed');
  }

  count(key: string): number {
    const value = this.#json[key];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.keyError(key, 'a whole number from 0 is needed');
  }

  oneOf<Word extends string>(key: string, words: readonly Word[], absent?: Word): Word {
    const value = this.#json[key] === undefined ? absent : this.#json[key];
    const word = words.find((known) => known === value);
    if (word !== undefined) return word;
    throw this.keyError(key, `one of ${words.join(', ')}`);
  }

  parts(key: string): Part[] {
    const value = this.#json[key];
    if (!Array.isArray(value)) throw this.keyError(key, 'a list is needed');
    return (value as unknown[]).map((json, i) => new Part(`${this.#place}[${i}]`, json));
  }

  /** A value below this one. */
  part(key: string): Part {
    return new Part(`${this.#place}.${key}`, this.#json[key]);
  }
}
