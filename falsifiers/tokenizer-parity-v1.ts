// Tries to find a string whose token ids are not llama.cpp's, and an id whose text is not. The reference is llama.cpp
// itself on the same file and, where strings and vocabularies are searched, a tokenizer in its slowest form, written
// from the definitions. Chat templates are compared with Transformers,
// which is where they come from. Folders with a tokenizer.json are compared with what the `tokenizers` library recorded.
// Not claimed here: how a vocabulary is read from a file (gguf-reader-v1).
import fc from 'fast-check';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import * as chat from './tokenizer-parity-v1/chat.ts';
import * as checks from './tokenizer-parity-v1/checks.ts';
import * as decoding from './tokenizer-parity-v1/decoding.ts';
import * as folders from './tokenizer-parity-v1/folders.ts';
import { inTheWild } from './tokenizer-parity-v1/in-the-wild.ts';
import { hostileText, sampleTexts } from './tokenizer-parity-v1/strings.ts';
import {
  bpeVocabulary,
  pairVocabulary,
  sentencePieceVocabulary,
  type SlowVocabulary,
} from './tokenizer-parity-v1/vocabularies.ts';
import { plants } from './kit/claims/plants.ts';

/** Generated vocabularies of each kind; the strings are searched on all of them. */
const VOCABULARIES = 6;
/** Strings beside the corpus, from the seed. */
const SAMPLED = 300;

/** Searched strings on vocabularies that are made from the seed, against the slow tokenizer. */
function searched(planned: number, make: (seed: number) => SlowVocabulary[]): Part {
  return {
    planned,
    async run(context) {
      const subjects = await checks.subjects(context, make(context.seed));
      await context.search(
        fc.record({ subject: fc.nat(subjects.length - 1), parseSpecial: fc.boolean(), text: hostileText }),
        context.planned,
        ({ subject: index, parseSpecial, text }) => {
          const subject = subjects[index];
          if (subject === undefined) return NaN;
          const ids = subject.model.encode(text, { parseSpecial, addBos: false });
          return checks.differs(ids, subject.slow(text, { parseSpecial }));
        },
      );
    },
  };
}

function bpeVocabularies(seed: number, pres: readonly string[]): SlowVocabulary[] {
  const learned = pres.flatMap((pre) =>
    Array.from({ length: VOCABULARIES / pres.length }, (_, i) => bpeVocabulary(seed + i, pre)),
  );
  return [...learned, ...pres.map(pairVocabulary)];
}

function sampled(context: PartContext): checks.CorpusString[] {
  return sampleTexts(SAMPLED, context.seed).map((text) => ({ id: JSON.stringify(text), text }));
}

async function corpusAndSampled(context: PartContext): Promise<checks.CorpusString[]> {
  return [...(await checks.readCorpus(context)), ...sampled(context)];
}

/** Corpus and sample, each with and without whole tokens. */
const BOTH_WAYS = 2 * (checks.CORPUS_SIZE + SAMPLED);

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-TOKPAR-001': {
    parts: {
      generated: searched(3000, (seed) => bpeVocabularies(seed, ['qwen2', 'llama-bpe'])),
      live: {
        needs: ['model:sums-2m'],
        planned: BOTH_WAYS,
        async run(context) {
          const expected = await checks.slow(context, await checks.trainerVocabulary(context));
          const path = context.model('model:sums-2m');
          await checks.compareProgram(context, path, expected, await corpusAndSampled(context));
        },
      },
      oracle: {
        needs: ['model:sums-2m', 'oracle:llama.cpp'],
        planned: BOTH_WAYS + 2 * SAMPLED,
        async run(context) {
          const pairs = await checks.writeVocabulary(context, 'pairs', pairVocabulary('qwen2'));
          await checks.compareLlamaCpp(context, [
            { path: context.model('model:sums-2m'), texts: await corpusAndSampled(context) },
            { path: pairs, texts: sampled(context) },
          ]);
        },
      },
    },
    faults: plants`
      src/engine/text/encoder.ts
      gross tok-merges-reversed: the last learned merge goes first
      - (merge) => merge !== null);
      + (merge) => merge !== null).toReversed();
      src/engine/text/special-tokens.ts
      gross tok-control-never-parsed: control tokens stay text when they are asked for
      - if (isControl && !parseSpecial) continue;
      + if (isControl) continue;
      small tok-shortest-control-first: of control tokens within each other the shortest wins
      - lengthOf(b) - lengthOf(a)
      + lengthOf(a) - lengthOf(b)
      src/engine/text/pre-tokenizers.ts
      small tok-qwen2-digits-in-twos: two digits make one word
      - const qwen2Words = \`\${CONTRACTIONS}|\${LETTERS}|\\\\p{N}|
      + const qwen2Words = \`\${CONTRACTIONS}|\${LETTERS}|\\\\p{N}{1,2}|
      small tok-contraction-case: 'VE in capitals is no contraction
      - '[vV][eE]
      + '[vV][e]
      src/engine/text/newer-characters.ts
      small tok-runtime-unicode: the newest letters are letters, as the runtime has it
      - if (!part.includes('\\\\p{')) return part;
      + if (part) return part;
    `,
  },

  'FALSIFY-TOKPAR-002': {
    parts: {
      generated: searched(3000, (seed) => bpeVocabularies(seed, ['smollm', 'gpt-2'])),
      live: {
        needs: ['model:smollm2'],
        planned: BOTH_WAYS,
        async run(context) {
          const path = context.model('model:smollm2');
          const expected = await checks.slow(context, await checks.fileVocabulary(path));
          await checks.compareProgram(context, path, expected, await corpusAndSampled(context));
        },
      },
      oracle: {
        needs: ['model:smollm2', 'oracle:llama.cpp'],
        planned: BOTH_WAYS + 2 * SAMPLED,
        async run(context) {
          const pairs = await checks.writeVocabulary(context, 'pairs', pairVocabulary('smollm'));
          await checks.compareLlamaCpp(context, [
            { path: context.model('model:smollm2'), texts: await corpusAndSampled(context) },
            { path: pairs, texts: sampled(context) },
          ]);
        },
      },
    },
    faults: plants`
      src/engine/text/pre-tokenizers.ts
      gross tok-smollm-digits-together: digits make words, as plain GPT-2 has it
      - expressions: ['\\\\p{N}', GPT2]
      + expressions: [GPT2]
      small tok-smollm-ascii-digits: only the ASCII digits stand alone
      - expressions: ['\\\\p{N}', GPT2]
      + expressions: ['[0-9]', GPT2]
      small tok-gpt2-last-space: spaces before a word keep the one that belongs to the word
      - | ?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)";
      + | ?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+";
    `,
  },

  'FALSIFY-TOKPAR-003': {
    parts: {
      generated: searched(3000, (seed) =>
        Array.from({ length: VOCABULARIES }, (_, i) => sentencePieceVocabulary(seed + i)),
      ),
      live: {
        needs: ['model:gemma3-270m'],
        planned: 2 * BOTH_WAYS,
        async run(context) {
          const texts = await corpusAndSampled(context);
          const { vocabulary } = await checks.sentencePieceVectors(context);
          const path = await checks.writeVocabulary(context, 'sentencepiece', vocabulary);
          await checks.compareProgram(context, path, await checks.slow(context, vocabulary), texts);
          const gemma = context.model('model:gemma3-270m');
          const expected = await checks.slow(context, await checks.fileVocabulary(gemma));
          await checks.compareProgram(context, gemma, expected, texts);
        },
      },
      oracle: {
        needs: ['model:gemma3-270m', 'oracle:llama.cpp'],
        planned: 2 * BOTH_WAYS + 4 * SAMPLED + decoding.OWN_IDS,
        async run(context) {
          const { vocabulary } = await checks.sentencePieceVectors(context);
          const trained = await checks.writeVocabulary(context, 'sentencepiece', vocabulary);
          await decoding.compareSentencePiece(context, trained);
          const files = [trained, context.model('model:gemma3-270m')];
          const texts = await corpusAndSampled(context);
          // One with a space prefix, one without.
          for (const seed of [context.seed, context.seed + 1]) {
            files.push(await checks.writeVocabulary(context, `tied-${seed}`, sentencePieceVocabulary(seed)));
          }
          await checks.compareLlamaCpp(
            context,
            files.map((path, i) => ({ path, texts: i < 2 ? texts : sampled(context) })),
          );
        },
      },
    },
    faults: plants`
      src/engine/text/sentencepiece-encoder.ts
      gross tok-scores-ascending: the lowest score merges first
      - a.score > b.score
      + a.score < b.score
      small tok-tied-scores-rightmost: of equal scores the rightmost merges first
      - a.start < b.start
      + a.start > b.start
      small tok-tied-scores-by-id: of equal scores the lower id wins, not the leftmost
      - return id === undefined ? null : (scores[id] ?? 0);
      + return id === undefined ? null : (scores[id] ?? 0) - id * 2 ** -40;
      small tok-merged-twice: a piece that has merged with its left neighbour merges with its right one too
      - left.next !== right || right.end !== end
      + right.end !== end
      small tok-no-byte-fallback: what has no token becomes the unknown token
      - return isWhole(bytes) ? bytes : null;
      + return isWhole([undefined, ...bytes]) ? bytes : null;
      small tok-no-space-prefix: a text does not start with a space
      - hasSpacePrefix ? '▁' : ''
      + hasSpacePrefix ? '' : ''
      small tok-prefix-always: a text starts with a space where the file says that it does not
      - hasSpacePrefix ? '▁' : ''
      + hasSpacePrefix ? '▁' : '▁'
      src/engine/text/special-tokens.ts
      small tok-shorter-run-missed: a whole token that begins a longer one is not found
      - if (branch.token !== null) occurring
      + if (branch.token !== null && branch.next.size === 0) occurring
    `,
  },

  'FALSIFY-TOKPAR-004': {
    parts: {
      generated: { planned: 3000, run: decoding.searchRoundTrips },
      live: {
        needs: ['model:sums-2m'],
        planned: decoding.DECODED_BY_PROGRAM + SAMPLED + checks.CORPUS_SIZE,
        async run(context) {
          await decoding.decodeByProgram(context);
          await decoding.roundTripTrained(context, await corpusAndSampled(context));
        },
      },
      oracle: {
        needs: ['model:sums-2m', 'model:gemma3-270m', 'oracle:llama.cpp'],
        planned: 6 * decoding.ID_LISTS,
        run: decoding.compareDetokenized,
      },
    },
    faults: plants`
      src/engine/text/byte-alphabet.ts
      gross tok-alphabet-shifted: bytes without a printable character are read one off
      - let substitute = 0x100;
      + let substitute = 0x101;
      src/engine/text/pieces.ts
      small tok-byte-order-mark-lost: a byte order mark is dropped
      - ignoreBOM: true
      + ignoreBOM: false
      small tok-half-character-lost: a character that ends in the next token is broken
      - decode(bytes, { stream: true })
      + decode(bytes)
      small tok-first-space-kept: the space that starts a SentencePiece text stays
      - if (bytes[0] === 0x20)
      + if (bytes[0] === 0x21)
    `,
  },

  'FALSIFY-TOKPAR-005': {
    parts: {
      generated: { planned: 2000, run: chat.searchConversations },
      live: { needs: ['model:sums-2m'], planned: chat.ASKED, run: chat.askBundled },
      oracle: { planned: chat.RECORDED, run: chat.compareTransformers },
    },
    faults: plants`
      src/engine/text/chat-template.ts
      gross tok-no-generation-prompt: the prompt does not ask for an answer
      - add_generation_prompt: addGenerationPrompt
      + add_generation_prompt: false
      src/engine/text/special-texts.ts
      small tok-template-wrong-end: the end token is the first token
      - eos: text(ids.eosId)
      + eos: text(ids.bosId)
      src/engine/text/chat-template/values.ts
      small tok-template-range-step: a range that goes down ends one number early
      - stop - start + step + 1n
      + stop - start + 1n
    `,
  },

  'FALSIFY-TOKPAR-006': {
    parts: {
      generated: { planned: 3000, run: folders.searchIds },
      live: { planned: folders.TEXTS_BY_PROGRAM, run: folders.tokenizeByProgram },
      oracle: { planned: folders.RECORDED_TEXTS, run: folders.compareIds },
    },
    faults: plants`
      src/engine/text/hf/pre-tokenizers.ts
      gross tok-metaspace-never-splits: a word goes on after its mark
      - const splits = part.isNull('split') || part.flag('split');
      + const splits = part.get('split') === 'never';
      small tok-metaspace-first-always: a text within a text gets a space before it
      - (scheme === 'first' && piece.isFirst)
      + (scheme === 'first')
      src/engine/text/hf/piece.ts
      small tok-contiguous-cut: matches side by side are cut
      - isMatch === wasMatch
      + isMatch && !wasMatch
      src/engine/text/hf/bpe.ts
      small tok-unknown-never-fused: neighbouring unknown characters stay apart
      - waiting !== null && !fusesUnknown
      + waiting !== null
      src/engine/text/hf/added-tokens.ts
      small tok-added-spaces-kept: a token that takes the spaces before it leaves them
      - if (stripsLeft) {
      + if (stripsLeft && start < 0) {
      src/engine/text/hf/oniguruma.ts
      small tok-case-not-folded in oracle: an expression without regard to case has regard to it
      - foldsCase ? \`(?i:\${source})\` : source
      + foldsCase ? \`(?:\${source})\` : source
    `,
  },

  'FALSIFY-TOKPAR-007': {
    parts: {
      generated: { planned: 3000, run: folders.searchTexts },
      live: { planned: folders.LISTS_BY_PROGRAM, run: folders.decodeByProgram },
      oracle: { planned: folders.RECORDED_LISTS, run: folders.compareTexts },
    },
    faults: plants`
      src/engine/text/hf/decoders.ts
      gross tok-first-mark-kept: the mark that starts a text is a space
      - isFirst && scheme !== 'never'
      + isFirst && scheme === 'never'
      small tok-broken-bytes-once: several bytes that are no text become one sign
      - return run.map(() => '\\ufffd');
      + return ['\\ufffd'];
      src/engine/text/hf/text-stages.ts
      small tok-half-match-lost: what began a replacement and did not end it is lost
      - end: () => rest,
      + end: () => '',
      small tok-strips-later: what is taken from the start is taken behind it too
      - if (rest !== '') left = 0;
      + if (rest === '') left = 0;
    `,
  },

  ...inTheWild,
};
