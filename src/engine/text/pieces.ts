// Token ids to text: each token is a run of bytes, and text is the UTF-8 of the joined runs.
import { RefuteError } from '../../errors.ts';
import { bytesOfText } from '../formats/byte-text.ts';
import { bytesOfSpelling } from './byte-alphabet.ts';
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.ts';

export interface PieceOptions {
  /** Also the bytes of control tokens, which otherwise have none. */
  keepSpecial: boolean;
}

export class Pieces {
  readonly #vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** Control and unknown tokens write nothing unless asked for, unused and undefined ones never. */
  isVisible(id: number): boolean {
    const type = this.#vocabulary.types[id];
    return (
      type === undefined || type === TOKEN_TYPE.normal || type === TOKEN_TYPE.userDefined || type === TOKEN_TYPE.byte
    );
  }

  /** An id that the model can give and the vocabulary lacks (a padded embedding) shows as `[id N]`. */
  bytes(id: number, { keepSpecial }: PieceOptions): Uint8Array {
    const { tokens, types, kind } = this.#vocabulary;
    const spelling = tokens[assertId(id)];
    if (spelling === undefined) return bytesOfText(`[id ${id}]`);
    const type = types[id];
    if (type === TOKEN_TYPE.control || type === TOKEN_TYPE.unknown) return bytesOfText(keepSpecial ? spelling : '');
    if (!this.isVisible(id)) return new Uint8Array();
    const byte = type === TOKEN_TYPE.byte ? byteOf(spelling) : null;
    if (byte !== null) return Uint8Array.of(byte);
    if (type === TOKEN_TYPE.userDefined) return bytesOfText(spelling);
    return kind === 'bpe' ? bytesOfSpelling(spelling) : bytesOfText(spelling.replaceAll('▁', ' '));
  }
}

/**
 * Text as it comes: gives what is whole so far and holds back the first bytes of an unfinished character.
 * A vocabulary with a space prefix loses that one space at the start of the text, where `isTextStart` says it is.
 */
export class PieceStream {
  readonly #pieces: Pieces;
  readonly #options: PieceOptions;
  // A byte order mark is text here.
  readonly #decoder: TextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #dropsSpace: boolean;

  constructor(pieces: Pieces, options: PieceOptions, dropsSpace: boolean) {
    this.#pieces = pieces;
    this.#options = options;
    this.#dropsSpace = dropsSpace;
  }

  push(id: number): string {
    let bytes = this.#pieces.bytes(id, this.#options);
    if (this.#dropsSpace && this.#pieces.isVisible(id)) {
      this.#dropsSpace = false;
      if (bytes[0] === 0x20) bytes = bytes.subarray(1);
    }
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** What was held back, as U+FFFD. */
  end(): string {
    return this.#decoder.decode();
  }
}

/** `<0x0A>` */
function byteOf(spelling: string): number | null {
  const digits = /^<0x([0-9A-Fa-f]{2})>$/.exec(spelling)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

export function assertId(id: number): number {
  if (Number.isSafeInteger(id) && id >= 0) return id;
  const is = `${id} is not a token id`;
  throw new RefuteError({ code: 'E_TOKEN_ID', place: 'decode', is, allowed: 'whole numbers from 0' });
}
