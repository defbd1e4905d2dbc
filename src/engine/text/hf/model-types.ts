// What the models of a tokenizer.json have in common.
import { RefuteError } from '../../../errors.ts';

/** Of a word, which is not empty. */
export type Tokenize = (word: string) => readonly number[];

/** Token to id; whole tokens that are no part of the model are not in it. */
export type ModelVocabulary = ReadonlyMap<string, number>;

/** A text that has no tokens is never left out. */
export function unencodable(text: string, why: string): RefuteError {
  const code = `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const is = `${JSON.stringify(text.slice(0, 20))} (${code}) cannot be encoded: ${why}`;
  const next = 'Leave it out of the prompt, or give ids: --tokens 1,5,9';
  return new RefuteError({ code: 'E_TEXT_UNENCODABLE', place: 'tokenizer.json: model', is, next });
}
