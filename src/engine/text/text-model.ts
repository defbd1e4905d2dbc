// What the product asks of a tokenizer and a chat template. Types only.

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** Decodes one token at a time. */
export interface TextStream {
  /** The characters that this token completes; empty while one is unfinished. */
  push(id: number): string;
  /** What is held back: an unfinished character is U+FFFD. */
  end(): string;
}

export interface TextModel {
  readonly vocabSize: number;
  /** Of these, the ones that the model must have: not those that only the files beside a tokenizer.json add. */
  readonly rowsNeeded: number;
  readonly bosId: number | null;
  /** Ids that end a generation: eos, and end-of-turn where the model has one. */
  readonly endIds: ReadonlySet<number>;
  /** The model's own wish (tokenizer.ggml.add_bos_token); applied by callers, never by `encode` on its own. */
  readonly wantsBos: boolean;
  /** What a tokenizer.json puts around a text that is no conversation; null: a BOS at most, as `wantsBos` says. */
  readonly frame: { before: readonly number[]; after: readonly number[] } | null;
  /** The end of a text, where the file names one. */
  readonly eosId: number | null;
  /** As `wantsBos`, at the end (tokenizer.ggml.add_eos_token). */
  readonly wantsEos: boolean;
  /** What the family's own tokenizer makes of a text first, and this one does not; null where there is no such thing. */
  readonly unsaidNormalization: 'NFC' | null;
  /** The class that Transformers makes of a folder, where it builds parts in place of tokenizer.json's; else null. */
  readonly rebuilt: { className: string; encode(text: string, parsesSpecial: boolean): number[] } | null;
  readonly hasChatTemplate: boolean;
  /**
   * @param options.parseSpecial true: `<|im_end|>` in the text is one control token; false: it is text
   * @throws RefuteError E_TEXT_UNENCODABLE (a character without tokens, with its place), E_TEXT_SPLIT,
   *   E_TOKENIZER_NO_BOS, and why the vocabulary encodes no text: E_TOKENIZER_PRE, _MERGES, _SCORES, _ABSENT, …
   */
  encode(text: string, options: { parseSpecial: boolean; addBos: boolean }): number[];
  /**
   * Control tokens are left out unless `keepSpecial`. Incomplete UTF-8 shows as U+FFFD. The space that a SentencePiece
   * text starts with is dropped where the first id carries it, as llama.cpp does; after a control token it stays.
   */
  decode(ids: readonly number[], options?: { keepSpecial?: boolean }): string;
  /** Decoding of what follows `after`; its first space is dropped only where `after` shows no text. */
  openStream(after: readonly number[]): TextStream;
  /** The vocabulary's own spelling of one token. */
  tokenText(id: number): string;
  /** Renders the model's template; the caller encodes the result with parseSpecial. */
  renderChat(messages: readonly ChatMessage[], options: { addGenerationPrompt: boolean }): string;
}
