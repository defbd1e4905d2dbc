// Reads a GGUF header front to back through a window of the file, so that a 4 GB model costs its header only.
// Every read is bounds-checked against the file; numbers of 64 bits stay BigInt until they are known to be small.
import { RefuteError } from '../../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { escapedText } from './byte-text.ts';
import { MAX_HEADER_BYTES } from './gguf-limits.ts';

/** One read per MiB: the header of a 150,000-entry vocabulary takes about ten. */
const WINDOW_BYTES = 2 ** 20;

/** Without `ignoreBOM` a token that is the byte order mark would come back empty. */
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class GgufCursor {
  readonly #source: ByteSource;
  #window: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** File offset of the window's first byte. */
  #windowOffset = 0;
  /** Next byte, counted from the window's start. */
  #at = 0;
  /** Strings that were not UTF-8; `escapedText` kept their bytes. */
  brokenStringCount = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get byteOffset(): number {
    return this.#windowOffset + this.#at;
  }

  /** Bytes between here and the end of the file. */
  get remainingBytes(): number {
    return this.#source.byteLength - this.byteOffset;
  }

  /**
   * Brings `byteLength` bytes into the window.
   *
   * @param what the thing being read, for the message
   * @throws RefuteError E_GGUF_TRUNCATED, E_GGUF_HEADER_SIZE
   */
  async need(byteLength: number, what: string): Promise<void> {
    if (this.#window.byteLength - this.#at >= byteLength) return;
    if (byteLength > this.remainingBytes) {
      throw this.error('E_GGUF_TRUNCATED', `the file ends at byte ${this.#source.byteLength}, inside ${what}`, {
        next: 'A download was probably cut short',
      });
    }
    if (this.byteOffset + byteLength > MAX_HEADER_BYTES) {
      throw this.error('E_GGUF_HEADER_SIZE', `the header goes on past byte ${MAX_HEADER_BYTES}`, {
        allowed: 'no known header is a tenth as long',
      });
    }
    const start = this.byteOffset;
    const kept = this.#window.subarray(this.#at);
    const window = new Uint8Array(Math.min(Math.max(byteLength, WINDOW_BYTES), this.remainingBytes));
    window.set(kept);
    await this.#source.read(start + kept.byteLength, window.subarray(kept.byteLength));
    this.#window = window;
    this.#view = new DataView(window.buffer);
    this.#windowOffset = start;
    this.#at = 0;
  }

  /** True where the next `byteLength` bytes need no file access. */
  has(byteLength: number): boolean {
    return this.#window.byteLength - this.#at >= byteLength;
  }

  // The readers below expect that `need` was awaited for their width; DataView refuses anything else.

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  i16(): number {
    return this.#view.getInt16(this.#step(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#step(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#step(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#step(8), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#step(8), true);
  }

  bytes(byteLength: number): Uint8Array {
    const start = this.#step(byteLength);
    return this.#window.subarray(start, start + byteLength);
  }

  /** UTF-8; `isName` refuses broken text, which nothing could be found by. */
  text(byteLength: number, isName: boolean, what: string): string {
    const bytes = this.bytes(byteLength);
    try {
      return strictText.decode(bytes);
    } catch {
      if (isName) throw this.error('E_GGUF_UTF8', `${what} is not UTF-8`);
      this.brokenStringCount += 1;
      return escapedText(bytes);
    }
  }

  error(code: string, is: string, rest: { allowed?: string; next?: string } = {}): RefuteError {
    return new RefuteError({ code, place: this.#source.path, is, ...rest });
  }

  #step(byteLength: number): number {
    const start = this.#at;
    this.#at += byteLength;
    return start;
  }
}
