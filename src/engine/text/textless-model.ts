// The TextModel of a file without a vocabulary, with a broken one, or with one of a kind that is not built here: ids go
// in and come out as ids, which is all that a comparison of numbers needs. Text is refused, never guessed.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import type { TextModel, TextStream } from './text-model.ts';

export class TextlessModel implements TextModel {
  readonly vocabSize = 0;
  readonly rowsNeeded = 0;
  readonly bosId: null = null;
  readonly endIds: ReadonlySet<number> = new Set<number>();
  readonly wantsBos = false;
  readonly frame: null = null;
  readonly eosId: null = null;
  readonly wantsEos = false;
  readonly unsaidNormalization: null = null;
  readonly rebuilt: null = null;
  readonly hasChatTemplate = false;
  readonly #is: string;
  readonly #why: RefuteError | null;

  /** @param of what is wrong with a vocabulary, or not followed of a tokenizer.json; or `tokenizer.ggml.model`, null where the file has no such key */
  constructor(of: RefuteError | string | null) {
    this.#why = of instanceof RefuteError ? of : null;
    if (of instanceof RefuteError) this.#is = of.message;
    else this.#is = of === null ? 'the file holds no tokenizer' : `${JSON.stringify(of)} vocabularies are not read`;
  }

  get notice(): Notice {
    const message =
      this.#why === null
        ? `${this.#is}: prompts are ids (--tokens), text shows ids.`
        : `${this.#is} Prompts are ids (--tokens), text shows ids.`;
    return { severity: 'warning', code: 'NO-TOKENIZER', message };
  }

  encode(): number[] {
    throw this.#error();
  }

  decode(ids: readonly number[]): string {
    return ids.map((id) => this.tokenText(id)).join('');
  }

  openStream(): TextStream {
    return { push: (id) => this.tokenText(id), end: () => '' };
  }

  tokenText(id: number): string {
    return `[id ${id}]`;
  }

  renderChat(): string {
    throw this.#error();
  }

  #error(): RefuteError {
    if (this.#why !== null) return this.#why;
    const allowed = '"gpt2" (byte-level BPE) and "llama" (SentencePiece) are';
    const next = 'Give the prompt as ids: --tokens 1,5,9';
    return new RefuteError({ code: 'E_TOKENIZER_ABSENT', place: 'tokenizer.ggml.model', is: this.#is, allowed, next });
  }
}
