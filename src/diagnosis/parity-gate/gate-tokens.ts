// The tokens of a gate: the same for every start of a model, so that a verdict can be kept, and a text, whose logits say
// something where those of ids by chance are flat.
import { promptIds } from '../../engine/text/prompt-ids.ts';
import { RandomSource } from '../../engine/text/random-source.ts';
import type { TextModel } from '../../engine/text/text-model.ts';
import { RefuteError } from '../../errors.ts';

/** Enough for the kernels of many positions, and one more for those of a single one. */
const POSITIONS = 17;

const TEXT = 'What is 12+34? The quick brown fox jumps over the lazy dog; 7 of 9 letters are new. '.repeat(4);

/** Of a model without a tokenizer, ids by chance, the same each time. */
export function gateTokens(
  text: TextModel,
  { contextLength, vocabSize }: { contextLength: number; vocabSize: number },
): number[] {
  const count = Math.min(POSITIONS, contextLength);
  try {
    return promptIds(text, { given: TEXT, body: TEXT, isChat: false }).ids.slice(0, count);
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    const random = new RandomSource(POSITIONS);
    return Array.from({ length: count }, () => Math.floor(random.nextUnit() * vocabSize));
  }
}
