// A character for which a vocabulary has no tokens. Encoders throw it with the place in what they were given; whoever
// knows the whole text makes an error of it, so that nothing of a text is ever dropped.
import { RefuteError } from '../../errors.ts';

export class UnencodableCharacter extends Error {
  /** UTF-16 index in the stretch; -1 is the space that a SentencePiece vocabulary puts before it. */
  readonly index: number;

  constructor(index: number) {
    super(`character at ${index}`);
    this.index = index;
  }

  /** @param offset of the stretch in the text */
  inText(text: string, offset: number): RefuteError {
    const at = offset + this.index;
    const character = this.index < 0 ? ' ' : String.fromCodePoint(text.codePointAt(at) ?? 0);
    const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    const before = Array.from(text.slice(0, Math.max(0, at))).length;
    const place = this.index < 0 ? `the space put before character ${before + 1}` : `character ${before + 1}`;
    return new RefuteError({
      code: 'E_TEXT_UNENCODABLE',
      place: `text, ${place}`,
      is: `${JSON.stringify(character)} (${code}) has no token`,
      allowed: 'the vocabulary lacks tokens for its bytes, and one for what is unknown',
      next: 'Leave it out, or give the prompt as ids: --tokens 1,5,9',
    });
  }
}
