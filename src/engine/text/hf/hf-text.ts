// Text to ids and back by a tokenizer.json, as the `tokenizers` library does it: whole tokens, normalizer,
// pre-tokenizer, model; and the decoder.
import { AddedTokens, cutAddedTokens, readAddedTokens, type AddedToken } from './added-tokens.ts';
import { readDecoder, TEXT_CLEANUP, type OpenDecoding } from './decoders.ts';
import type { ModelVocabulary, Tokenize } from './model-types.ts';
import { MODELS, readModel } from './models.ts';
import { readNormalizer, type Normalize } from './normalizers.ts';
import { Part, type Json } from './part.ts';
import { readPostProcessor, type Frame } from './post-processor.ts';
import { readPreTokenizer, type PreTokenize } from './pre-tokenizers.ts';

export type CleanUp = 'never' | 'not BPE' | 'always';

export interface HfText {
  /** Special tokens that go around a text which is no conversation. */
  frame: Frame;
  added: readonly AddedToken[];
  /** @throws RefuteError E_TEXT_UNENCODABLE, E_TOKENIZER_JSON */
  encode(text: string, parsesSpecial: boolean): number[];
  openDecoding: OpenDecoding;
  /** What the decoder is given for an added token, by its id. */
  decodedSpellings: ReadonlyMap<number, string>;
  /** What is left out of a decoded text, by what the decoder would be given. */
  specials: ReadonlySet<string>;
  /** The model, read for the first text. */
  model: () => Tokenize;
}

export interface HfTextOptions {
  /** Of the spaces before marks, as tokenizer_config.json asks for it. */
  cleanUp: CleanUp;
  /** In place of the file's. */
  model?: () => Tokenize;
}

/** All keys of a tokenizer.json; the library refuses others. */
const KEYS: ReadonlySet<string> = new Set(
  'version truncation padding added_tokens normalizer pre_tokenizer post_processor decoder model'.split(' '),
);

/**
 * Reads everything but the merges, which are read for the first text.
 *
 * @throws RefuteError E_TOKENIZER_JSON with the component and key that is not followed
 */
export function readHfText(json: Json, vocabulary: ModelVocabulary, of: HfTextOptions): HfText {
  const part = (key: string): Part | null =>
    json[key] === undefined || json[key] === null ? null : new Part(key, json[key]);
  const whole = new Part('it', json);
  if (json['version'] !== undefined && json['version'] !== '1.0') throw whole.keyError('version', '"1.0"');
  const unknown = Object.keys(json).find((key) => !KEYS.has(key));
  if (unknown !== undefined)
    throw whole.error(`it has the key ${JSON.stringify(unknown).slice(0, 60)}`, [...KEYS].join(', '));
  const model = new Part('model', json['model']);
  if (!MODELS.has(model.type) || (model.type === '' && model.get('type') !== undefined)) throw model.unknownType();
  // An object, token to id; read before, with the tokens.
  model.part('vocab');
  const normalizer = part('normalizer');
  const preTokenizer = part('pre_tokenizer');
  const postProcessor = part('post_processor');
  const normalize: Normalize = normalizer === null ? (piece) => piece : readNormalizer(normalizer);
  const preTokenize: PreTokenize = preTokenizer === null ? (piece) => [piece] : readPreTokenizer(preTokenizer);
  const added = readAddedTokens(json['added_tokens'] === undefined ? [] : whole.parts('added_tokens'), vocabulary);
  const decodedSpelling = ({ content, isNormalized }: AddedToken): string =>
    isNormalized ? normalize({ text: content, isFirst: true, firstLength: 0 }).text : content;
  const refuse = (is: string): Error => new Part('added_tokens', {}).error(is);
  const before = new AddedTokens(
    added.filter(({ isNormalized }) => !isNormalized),
    ({ content }) => content,
    refuse,
  );
  const after = new AddedTokens(
    added.filter(({ isNormalized }) => isNormalized),
    decodedSpelling,
    refuse,
  );
  const isBpe = model.type === '' || model.type === 'BPE';
  const cleans = of.cleanUp === 'always' || (of.cleanUp === 'not BPE' && !isBpe);
  let tokenize: Tokenize | null = null;
  const readOnce = of.model ?? ((): Tokenize => (tokenize ??= readModel(model, vocabulary)));
  return {
    frame: postProcessor === null ? { before: [], after: [] } : readPostProcessor(postProcessor),
    added,
    encode(text, parsesSpecial) {
      const encodeWord = readOnce();
      const ids: number[] = [];
      for (const piece of cutAddedTokens(text, { before, after, normalize, parsesSpecial, refuse })) {
        if (typeof piece === 'number') ids.push(piece);
        else for (const word of preTokenize(piece)) append(ids, encodeWord(word.text));
      }
      return ids;
    },
    openDecoding: readDecoder(part('decoder'), cleans ? TEXT_CLEANUP : []),
    decodedSpellings: new Map(added.map((token) => [token.id, decodedSpelling(token)])),
    specials: new Set(added.filter(({ isSpecial }) => isSpecial).map(({ content }) => content)),
    model: readOnce,
  };
}

/** A word may have more tokens than a call has arguments. */
function append(ids: number[], more: readonly number[]): void {
  for (const id of more) ids.push(id);
}
