// The models of a tokenizer.json that are followed: a word to token ids.
import { readBpe } from './bpe.ts';
import { unencodable, type ModelVocabulary, type Tokenize } from './model-types.ts';
import type { Part } from './part.ts';

/** Models that are read here; another one has ids and no text. Older files leave the type of BPE out. */
export const MODELS: ReadonlySet<string> = new Set(['BPE', '', 'WordPiece', 'WordLevel']);

/** @throws RefuteError E_TOKENIZER_JSON */
export function readModel(part: Part, vocabulary: ModelVocabulary): Tokenize {
  switch (part.type) {
    case '':
    case 'BPE':
      return readBpe(part, vocabulary);
    case 'WordPiece':
      return wordPiece(part, vocabulary);
    case 'WordLevel':
      return wordLevel(part, vocabulary);
    default:
      throw part.unknownType();
  }
}

function wordLevel(part: Part, vocabulary: ModelVocabulary): Tokenize {
  const unknown = part.string('unk_token');
  return (word) => {
    const id = vocabulary.get(word) ?? vocabulary.get(unknown);
    if (id === undefined) throw unencodable(word, 'it has no token and there is no unknown token');
    return [id];
  };
}

/** The longest token from the left, again and again; a word that this cannot cover is the unknown token. */
function wordPiece(part: Part, vocabulary: ModelVocabulary): Tokenize {
  const unknown = part.string('unk_token');
  const prefix = part.string('continuing_subword_prefix');
  const maxLength = part.count('max_input_chars_per_word');
  return (word) => {
    const characters = Array.from(word);
    const ids = characters.length > maxLength ? null : covered(characters);
    if (ids !== null) return ids;
    const id = vocabulary.get(unknown);
    if (id === undefined) throw unencodable(word, 'it has no tokens and there is no unknown token');
    return [id];
  };

  function covered(characters: readonly string[]): number[] | null {
    const ids: number[] = [];
    for (let start = 0; start < characters.length;) {
      let end = characters.length;
      let id: number | undefined;
      for (; end > start; end -= 1) {
        id = vocabulary.get((start > 0 ? prefix : '') + characters.slice(start, end).join(''));
        if (id !== undefined) break;
      }
      if (id === undefined) return null;
      ids.push(id);
      start = end;
    }
    return ids;
  }
}
