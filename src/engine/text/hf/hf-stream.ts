// Ids to text by a tokenizer.json, one at a time: special tokens left out, the rest through the file's decoder.
import { assertId } from '../pieces.ts';
import type { TextStream } from '../text-model.ts';
import { TOKEN_TYPE, type Vocabulary } from '../vocabulary.ts';
import type { HfText } from './hf-text.ts';

export function openHfStream(
  text: HfText,
  vocabulary: Vocabulary,
  { keepSpecial, isStart }: { keepSpecial: boolean; isStart: boolean },
): TextStream {
  const decoding = text.openDecoding(isStart);
  return {
    push(id) {
      const spelling = spellingOf(text, vocabulary, id);
      return spelling === null || (!keepSpecial && text.specials.has(spelling)) ? '' : decoding.push(spelling);
    },
    end: () => decoding.end(),
  };
}

export function isVisibleToken(text: HfText, vocabulary: Vocabulary, id: number): boolean {
  const spelling = spellingOf(text, vocabulary, id);
  return spelling !== null && !text.specials.has(spelling);
}

/** null in a gap of the vocabulary. An id beyond it, which a padded embedding can give, shows as `[id N]`. */
function spellingOf({ decodedSpellings }: HfText, { tokens, types }: Vocabulary, id: number): string | null {
  const spelling = decodedSpellings.get(assertId(id)) ?? tokens[id];
  if (spelling === undefined) return `[id ${id}]`;
  return types[id] === TOKEN_TYPE.unused ? null : spelling;
}
