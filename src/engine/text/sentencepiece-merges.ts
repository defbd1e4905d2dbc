// The merges that a SentencePiece vocabulary implies. It has none of its own: two neighbours merge where their joint
// spelling is a token, the token of the highest score first, the leftmost of equals.
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.ts';

export interface ScoredMerges {
  merges: [left: string, right: string][];
  /** By index of `merges`; equal for equal scores, 0 merges first. */
  rankOf: Uint32Array;
}

/** Every split of a text token into two parts that merging can reach: tokens, or single characters. */
export function mergesOfScores({ tokens, types, scores }: Vocabulary): ScoredMerges {
  const isText = (id: number): boolean => TEXT_TYPES.has(types[id] ?? 0);
  const spellings = new Set(tokens.filter((_, id) => isText(id)));
  const found: { merge: [string, string]; score: number }[] = [];
  for (const [id, token] of tokens.entries()) {
    if (!isText(id)) continue;
    const characters = Array.from(token);
    let left = '';
    for (let i = 1; i < characters.length; i += 1) {
      left += characters[i - 1];
      const right = token.slice(left.length);
      const isReachable = (i === 1 || spellings.has(left)) && (i === characters.length - 1 || spellings.has(right));
      if (isReachable) found.push({ merge: [left, right], score: scores[id] ?? 0 });
    }
  }
  const sorted = found.toSorted((a, b) => b.score - a.score);
  const rankOf = new Uint32Array(sorted.length);
  for (let i = 1; i < sorted.length; i += 1) {
    rankOf[i] = (rankOf[i - 1] ?? 0) + (sorted[i]?.score === sorted[i - 1]?.score ? 0 : 1);
  }
  return { merges: sorted.map(({ merge }) => merge), rankOf };
}

const TEXT_TYPES: ReadonlySet<number> = new Set([TOKEN_TYPE.normal, TOKEN_TYPE.userDefined, TOKEN_TYPE.unused]);
