// The claims about GGUF vocabularies and prompts as they are in the wild: odd spellings, missing tokens, the two ends of a
// prompt. Beside the others of tokenizer-parity-v1 because a file has its limit.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';
import * as prompts from './prompts.ts';
import * as spellings from './spellings.ts';

export const inTheWild: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-TOKPAR-008': {
    parts: {
      generated: { planned: 2000, run: spellings.searchSpellings },
      live: { needs: ['model:sums-2m'], planned: spellings.RUNS, run: spellings.runOddlySpelled },
      oracle: { needs: ['oracle:llama.cpp'], planned: 3 * spellings.ASKED, run: spellings.compareSpellings },
    },
    faults: plants`
      src/engine/formats/gguf-cursor.ts
      gross tok-bytes-replaced: bytes that are not UTF-8 are read as U+FFFD
      - return escapedText(bytes);
      + return new TextDecoder().decode(bytes);
      src/engine/formats/byte-text.ts
      small tok-escape-one-off: such a byte comes back as its neighbour
      - bytes.push(character.charCodeAt(0) - ESCAPE);
      + bytes.push((character.charCodeAt(0) - ESCAPE) ^ 1);
      small tok-half-of-three: two bytes of a longer character are read as one of two
      - lead >= 0xe0 && lead < 0xf0 ? 3
      + lead >= 0xe0 && lead < 0xf0 ? 2
      src/engine/text/vocabulary.ts
      small tok-twin-first: of tokens that are spelled alike text is the first
      - for (const [id, token] of tokens.entries()) idOf.set(token, id);
      + for (const [id, token] of tokens.entries()) if (!idOf.has(token)) idOf.set(token, id);
      src/engine/text/encoder.ts
      small tok-byte-level-twin-first: the same in a byte-level vocabulary
      - new Map(tokens.map((token, id) => [token, id]));
      + new Map(tokens.map((token, id): [string, number] => [token, id]).toReversed());
    `,
  },

  'FALSIFY-TOKPAR-009': {
    parts: {
      generated: { planned: 2000, run: spellings.searchUnencodable },
      live: { needs: ['model:sums-2m'], planned: spellings.REFUSALS, run: spellings.refuseByProgram },
      oracle: { needs: ['oracle:llama.cpp'], planned: 2 * spellings.ASKED, run: spellings.compareDropped },
    },
    faults: plants`
      src/engine/text/encoder.ts
      gross tok-unencodable-dropped: a byte without a token is left out
      - if (missing !== -1) throw
      + if (missing !== -1) return []; else if (missing > 0) throw
      src/engine/text/create-text-model.ts
      small tok-unencodable-place: the place is that in the stretch, not in the text
      - error.inText(whole, offset)
      + error.inText(text, 0)
      src/engine/text/sentencepiece-encoder.ts
      small tok-unencodable-piece-dropped: a SentencePiece character without tokens is left out
      - if (found === null && unknownId === null) throw
      + if (found === null && unknownId === -1) throw
      small tok-unknown-not-fused: neighbours become an unknown token each
      - else if (!isAfterUnknown && unknownId !== null)
      + else if (unknownId !== null)
      small tok-half-spelled: a character is spelled by those of its bytes that have tokens
      - return isWhole(bytes) ? bytes : null;
      + return bytes.filter((id) => id !== undefined);
    `,
  },

  'FALSIFY-TOKPAR-010': {
    parts: {
      generated: { planned: 2000, run: prompts.searchPrompts },
      live: { needs: ['model:sums-2m'], planned: prompts.STARTED, run: prompts.startByProgram },
      oracle: { planned: prompts.RECORDED, run: prompts.compareRecorded },
    },
    faults: plants`
      src/engine/text/prompt-ids.ts
      gross tok-chat-gets-bos: a conversation gets the BOS that raw text has
      - if (isChat) notices.push(...chatNotices(text, ids));
      + if (isChat && ids.length === 0) notices.push(...chatNotices(text, ids));
      small tok-bos-spelled-is-enough: a BOS that the text spells takes the place of the model's own
      - ids.unshift(...before);
      + if (ids[0] !== before[0]) ids.unshift(...before);
      small tok-eos-never-added: add_eos_token is read and not followed
      - ids.push(...after);
      + ids.push();
      small tok-second-bos-unsaid: nothing is said of two BOS
      - ids[0] === before[0]) warnTwice
      + ids[1] === before[0]) warnTwice
      small tok-bos-by-default: a byte-level file that asks for EOS alone gets a BOS
      - before: wantsBos && bosId
      + before: (wantsBos || wantsEos) && bosId
    `,
  },
};
