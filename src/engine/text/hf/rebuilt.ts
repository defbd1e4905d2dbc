// The text of a folder as a class of Transformers reads it that builds parts of its own. tokenizer.json is followed;
// this is what its ids are compared with.
import { RefuteError } from '../../../errors.ts';
import type { Notice } from '../../../notice.ts';
import type { AddedToken } from './added-tokens.ts';
import { spellingOfByte } from '../vocabulary.ts';
import { BYTE_ALPHABET } from '../byte-alphabet.ts';
import { readHfText, type CleanUp, type HfText } from './hf-text.ts';
import type { ModelVocabulary } from './model-types.ts';
import type { Json } from './part.ts';
import { classParts, differingParts } from './transformers-class.ts';

export interface Rebuilt {
  /** `LlamaTokenizer` */
  className: string;
  encode: HfText['encode'];
}

export interface RebuiltOf {
  json: Json;
  vocabulary: ModelVocabulary;
  text: HfText;
  /** That AutoTokenizer takes. */
  className: string | null;
  settings: Json;
  /** All whole tokens that the class has, as tokenizer.json has them. */
  tokens: readonly unknown[];
  cleanUp: CleanUp;
}

/** null where the class builds what tokenizer.json says. */
export function readRebuilt(of: RebuiltOf): { rebuilt: Rebuilt | null; notices: Notice[] } {
  const { json, vocabulary, text, className: name, settings, tokens, cleanUp } = of;
  const parts = name === null ? undefined : classParts(name, settings);
  if (name === null || parts === undefined) return { rebuilt: null, notices: [] };
  const says = `Transformers 5 opens this folder as ${name}, which builds`;
  const note = (what: string): Notice[] => [{ severity: 'note', code: 'TOKENIZER-CLASS', message: `${says} ${what}` }];
  if (parts === null) {
    const what = 'parts of its own; tokenizer.json is followed here, and ids and text may differ from it.';
    return { rebuilt: null, notices: note(what) };
  }
  const differing = differingParts(json, parts);
  const notices = differing.includes('decoder')
    ? note(
        "a decoder of its own; tokenizer.json's is followed here, and text may differ from it, at its start above all.",
      )
    : [];
  const model = { ...(json['model'] as Json), ...parts.model, ignore_merges: false };
  const isSameModel = hasSameEffect(json['model'] as Json, model, vocabulary);
  const all = { ...json, ...parts, model, added_tokens: tokens };
  try {
    const other = readHfText(all, vocabulary, {
      cleanUp,
      ...(isSameModel ? { model: text.model } : {}),
    });
    const isSame = isSameModel && differing.every((key) => key === 'decoder') && sameTokens(text.added, other.added);
    const encode: HfText['encode'] = (content, parsesSpecial) => other.encode(content, parsesSpecial);
    return { rebuilt: isSame ? null : { className: name, encode }, notices };
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    return { rebuilt: null, notices: note(`parts of its own that could not be compared (${error.message})`) };
  }
}

/** Where every byte has a token, what stands for an unknown character is never asked. */
function hasSameEffect(model: Json, other: Json, vocabulary: ModelVocabulary): boolean {
  const isSet = (json: Json, key: string): boolean =>
    json[key] === true || (typeof json[key] === 'string' && json[key] !== '');
  const keys = ['byte_fallback', 'ignore_merges', 'continuing_subword_prefix', 'end_of_word_suffix'];
  if (keys.some((key) => isSet(model, key) !== isSet(other, key))) return false;
  const spellings =
    other['byte_fallback'] === true ? BYTE_ALPHABET.map((_, byte) => spellingOfByte(byte)) : BYTE_ALPHABET;
  if (spellings.every((spelling) => vocabulary.has(spelling))) return true;
  return model['unk_token'] === other['unk_token'] && isSet(model, 'fuse_unk') === isSet(other, 'fuse_unk');
}

function sameTokens(ours: readonly AddedToken[], theirs: readonly AddedToken[]): boolean {
  const plain = (tokens: readonly AddedToken[]): string =>
    JSON.stringify(tokens.map((token) => ({ ...token, statedId: null })).toSorted((a, b) => a.id - b.id));
  return plain(ours) === plain(theirs);
}
