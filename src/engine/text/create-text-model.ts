// A file's tokenizer and chat template behind the TextModel seam. Reads the keys at once, so that what is odd about a
// vocabulary is said when the model is opened; builds the encoder on first use, because most commands never encode. A
// vocabulary that cannot be used refuses text and nothing else: the model still runs on ids.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import { shownValue } from '../formats/quoted.ts';
import { ChatTemplate, type SpecialTexts } from './chat-template.ts';
import { buildEncoder, type Encode } from './encoder.ts';
import type { HfText } from './hf/hf-text.ts';
import { isVisibleToken, openHfStream } from './hf/hf-stream.ts';
import type { HfTokenizer } from './hf-tokenizer.ts';
import { Pieces, PieceStream } from './pieces.ts';
import { specialTexts } from './special-texts.ts';
import { SpecialTokens, type Stretch } from './special-tokens.ts';
import type { ChatMessage, TextModel, TextStream } from './text-model.ts';
import { TextlessModel } from './textless-model.ts';
import { UnencodableCharacter } from './unencodable.ts';
import { readVocabulary, type Vocabulary } from './vocabulary.ts';

/** `tokenizer.ggml.model` and what it is here. */
const KINDS: ReadonlyMap<string, Vocabulary['kind']> = new Map([
  ['gpt2', 'bpe'],
  ['llama', 'sentencepiece'],
]);

export interface TextOptions {
  /** Where the keys are from a tokenizer.json, which then encodes by itself. */
  tokenizer?: HfTokenizer['tokenizer'];
  /** What may stand for a missing BOS id of a byte-level vocabulary, in the model's architecture. */
  bosSpellings?: readonly string[];
}

/**
 * @param metadata a GGUF file's key-value data as plain values, or the same keys out of other files
 * @param notify called for each default that is taken and each oddity that is accepted
 */
export function createTextModel(
  metadata: ReadonlyMap<string, unknown>,
  notify: (notice: Notice) => void = () => {},
  { tokenizer = null, bosSpellings = [] }: TextOptions = {},
): TextModel {
  const named = metadata.get('tokenizer.ggml.model');
  const name = named === undefined ? null : typeof named === 'string' ? named : shownValue(named);
  const own = tokenizer?.text ?? null;
  // A tokenizer.json does all by itself; which kind its vocabulary would be in GGUF is then of no account.
  const kind = own === null ? KINDS.get(name ?? '') : 'bpe';
  if (kind === undefined || own instanceof RefuteError)
    return textless(own instanceof RefuteError ? own : name, notify);
  for (const notice of tokenizer?.notices ?? []) notify(notice);
  let model: VocabularyTextModel;
  try {
    const vocabulary = readVocabulary(metadata, kind, notify, { own: tokenizer, bosSpellings });
    const chat = tokenizer?.templateError ?? openChat(vocabulary, metadata, tokenizer?.texts ?? null);
    model = new VocabularyTextModel(vocabulary, tokenizer?.rowsNeeded ?? vocabulary.tokens.length, chat, tokenizer);
  } catch (error) {
    if (error instanceof RefuteError) return textless(error, notify);
    throw error;
  }
  if (model.chatReadsClock) {
    const message = 'The chat template writes the date of today: a prompt has other ids tomorrow.';
    notify({ severity: 'note', code: 'TEMPLATE-CLOCK', message });
  }
  return model;
}

function textless(of: RefuteError | string | null, notify: (notice: Notice) => void): TextModel {
  const model = new TextlessModel(of);
  notify(model.notice);
  return model;
}

interface Chat {
  template: ChatTemplate;
  texts: SpecialTexts;
  /** By their whole names. */
  variables: Readonly<Record<string, string>>;
}

/** @param named what a folder's files give a template to name; null: the keys of a GGUF file say it */
function openChat(
  vocabulary: Vocabulary,
  metadata: ReadonlyMap<string, unknown>,
  named: ReadonlyMap<string, string> | null,
): Chat | RefuteError | null {
  const { chatTemplate } = vocabulary;
  if (chatTemplate === null) return null;
  if (!chatTemplate.isWellFormed()) {
    const is = 'it is not UTF-8';
    const next = 'Use --raw to leave the template out';
    return new RefuteError({ code: 'E_CHAT_TEMPLATE_UTF8', place: 'tokenizer.chat_template', is, next });
  }
  const template = new ChatTemplate(chatTemplate);
  if (named !== null) return { template, texts: {}, variables: Object.fromEntries(named) };
  return { template, texts: specialTexts(metadata, vocabulary), variables: {} };
}

class VocabularyTextModel implements TextModel {
  readonly vocabSize: number;
  readonly rowsNeeded: number;
  readonly bosId: number | null;
  readonly endIds: ReadonlySet<number>;
  readonly wantsBos: boolean;
  readonly eosId: number | null;
  readonly wantsEos: boolean;
  readonly unsaidNormalization: TextModel['unsaidNormalization'];
  readonly #vocabulary: Vocabulary;
  readonly #pieces: Pieces;
  readonly #chat: Chat | RefuteError | null;
  #specials: SpecialTokens | null = null;
  #encodeText: Encode | null = null;
  readonly rebuilt: TextModel['rebuilt'];
  readonly #own: HfText | null;

  /**
   * @param chat an error: there are templates, and none for a conversation
   * @param folder encodes and decodes in place of what the vocabulary makes
   */
  constructor(
    vocabulary: Vocabulary,
    rowsNeeded: number,
    chat: Chat | RefuteError | null,
    folder: HfTokenizer['tokenizer'],
  ) {
    this.#own = folder === null || folder.text instanceof RefuteError ? null : folder.text;
    this.rebuilt = folder?.rebuilt ?? null;
    this.#chat = chat;
    this.vocabSize = vocabulary.tokens.length;
    this.rowsNeeded = rowsNeeded;
    this.bosId = vocabulary.bosId;
    this.endIds = vocabulary.endIds;
    this.wantsBos = vocabulary.wantsBos;
    this.eosId = vocabulary.eosId;
    this.wantsEos = vocabulary.wantsEos;
    this.unsaidNormalization = vocabulary.unsaidNormalization;
    this.#vocabulary = vocabulary;
    this.#pieces = new Pieces(vocabulary);
  }

  get frame(): TextModel['frame'] {
    return this.#own?.frame ?? null;
  }

  get hasChatTemplate(): boolean {
    return this.#chat !== null;
  }

  get chatReadsClock(): boolean {
    return this.#chat !== null && !(this.#chat instanceof RefuteError) && this.#chat.template.readsClock;
  }

  encode(text: string, { parseSpecial, addBos }: { parseSpecial: boolean; addBos: boolean }): number[] {
    // A lone surrogate has no UTF-8; it is U+FFFD from here on, as everywhere else that text becomes bytes.
    const whole = text.toWellFormed();
    const ids = this.#own?.encode(whole, parseSpecial) ?? this.#encodeParts(whole, parseSpecial);
    return addBos ? [this.#requireBos(), ...ids] : ids;
  }

  #encodeParts(text: string, parseSpecial: boolean): number[] {
    // Refuses before anything is searched for where the vocabulary encodes no text at all.
    this.#encodeText ??= buildEncoder(this.#vocabulary);
    this.#specials ??= new SpecialTokens(this.#vocabulary);
    const parts = this.#specials.split(text, parseSpecial);
    return parts.flatMap((part) => (typeof part === 'number' ? [part] : this.#encodeStretch(part, text)));
  }

  decode(ids: readonly number[], { keepSpecial = false }: { keepSpecial?: boolean } = {}): string {
    if (this.#own !== null) {
      const own = openHfStream(this.#own, this.#vocabulary, { keepSpecial, isStart: true });
      return ids.map((id) => own.push(id)).join('') + own.end();
    }
    const [first] = ids;
    const startsWithText = first !== undefined && this.#pieces.isVisible(first);
    const stream = new PieceStream(this.#pieces, { keepSpecial }, startsWithText && this.#vocabulary.hasSpacePrefix);
    return ids.map((id) => stream.push(id)).join('') + stream.end();
  }

  openStream(after: readonly number[]): TextStream {
    if (this.#own !== null) {
      const own = this.#own;
      const isStart = !after.some((id) => isVisibleToken(own, this.#vocabulary, id));
      return openHfStream(own, this.#vocabulary, { keepSpecial: false, isStart });
    }
    const isTextStart = !after.some((id) => this.#pieces.isVisible(id));
    return new PieceStream(this.#pieces, { keepSpecial: false }, isTextStart && this.#vocabulary.hasSpacePrefix);
  }

  tokenText(id: number): string {
    return this.#vocabulary.tokens[id] ?? `[id ${id}]`;
  }

  renderChat(messages: readonly ChatMessage[], { addGenerationPrompt }: { addGenerationPrompt: boolean }): string {
    if (this.#chat instanceof RefuteError) throw this.#chat;
    if (this.#chat === null) {
      const is = 'the file has none';
      throw new RefuteError({ code: 'E_CHAT_TEMPLATE_ABSENT', place: 'tokenizer.chat_template', is });
    }
    const { template, texts, variables } = this.#chat;
    return template.render(messages, texts, addGenerationPrompt, variables);
  }

  #encodeStretch({ text, offset }: Stretch, whole: string): number[] {
    try {
      return this.#encodeText?.(text) ?? [];
    } catch (error) {
      throw error instanceof UnencodableCharacter ? error.inText(whole, offset) : error;
    }
  }

  #requireBos(): number {
    if (this.bosId !== null) return this.bosId;
    const is = 'the file has no BOS token and one is asked for';
    throw new RefuteError({ code: 'E_TOKENIZER_NO_BOS', place: 'tokenizer.ggml.bos_token_id', is });
  }
}
