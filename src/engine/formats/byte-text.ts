// Strings of a GGUF file are bytes, and nearly all of them are UTF-8. A byte that is not becomes a lone surrogate,
// U+DC00 + byte (Python calls this surrogateescape): UTF-8 has no surrogates, so nothing else reads as one, two
// different strings stay different and every byte can be had back. Shown as text, such a byte is U+FFFD.

const ESCAPE = 0xdc00;
/** A lone surrogate as text is turned to these bytes by TextEncoder; the escape is found before. */
const ESCAPED = /[\udc80-\udcff]/;
const UNITS_PER_CALL = 8_192;

/** Text of bytes that are not all UTF-8. */
export function escapedText(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes.byteLength);
  let length = 0;
  for (let at = 0; at < bytes.byteLength;) {
    const width = characterWidth(bytes, at);
    if (width === 0) {
      units[length++] = ESCAPE + (bytes[at] ?? 0);
      at += 1;
      continue;
    }
    const code = codePoint(bytes, at, width);
    if (code < 0x10000) units[length++] = code;
    else {
      units[length++] = 0xd800 + ((code - 0x10000) >> 10);
      units[length++] = 0xdc00 + ((code - 0x10000) & 0x3ff);
    }
    at += width;
  }
  const parts: string[] = [];
  for (let start = 0; start < length; start += UNITS_PER_CALL) {
    parts.push(String.fromCharCode(...units.subarray(start, Math.min(start + UNITS_PER_CALL, length))));
  }
  return parts.join('');
}

/** The bytes that a text was read from: its UTF-8, and escaped bytes as themselves. */
export function bytesOfText(text: string): Uint8Array {
  const encoder = new TextEncoder();
  if (text.isWellFormed() || !ESCAPED.test(text)) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    if (isEscaped(character)) bytes.push(character.charCodeAt(0) - ESCAPE);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** The text of one byte that is not UTF-8 by itself. */
export function escapedByte(byte: number): string {
  return byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(ESCAPE + byte);
}

function isEscaped(character: string): boolean {
  const unit = character.charCodeAt(0);
  return character.length === 1 && unit >= ESCAPE + 0x80 && unit <= ESCAPE + 0xff;
}

/** Lowest second byte of the lead bytes that would otherwise spell a shorter character, highest of those that end early. */
const SECOND_FROM: Readonly<Record<number, number>> = { 0xe0: 0xa0, 0xf0: 0x90 };
const SECOND_TO: Readonly<Record<number, number>> = { 0xed: 0x9f, 0xf4: 0x8f };

/** Bytes of the character that starts here, 0 where none does. */
function characterWidth(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const width = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  for (let i = 1; i < width; i += 1) {
    const byte = bytes[at + i] ?? 0;
    const from = i === 1 ? (SECOND_FROM[lead] ?? 0x80) : 0x80;
    const to = i === 1 ? (SECOND_TO[lead] ?? 0xbf) : 0xbf;
    if (byte < from || byte > to) return 0;
  }
  return width;
}

function codePoint(bytes: Uint8Array, at: number, width: number): number {
  const lead = bytes[at] ?? 0;
  let code = width === 1 ? lead : lead & (0xff >> (width + 1));
  for (let i = 1; i < width; i += 1) code = code * 64 + ((bytes[at + i] ?? 0) & 0x3f);
  return code;
}
