// Random access to bytes, whatever holds them: a file, memory, later a range of a URL. The readers of formats/ see
// only this. No `node:` import here; `open-file.ts` has it.
import { RefuteError } from '../../errors.ts';

export interface ByteSource {
  /** How the source is named in messages. */
  readonly path: string;
  readonly byteLength: number;
  /**
   * Fills `into` wholly from `byteOffset`.
   *
   * @throws RefuteError E_FILE_SHORT_READ where the range leaves the source, E_FILE_CLOSED after `close`
   */
  read(byteOffset: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Bytes in memory behind the same seam; the bytes are not copied. */
export class MemoryByteSource implements ByteSource {
  readonly path: string;
  readonly byteLength: number;
  #bytes: Uint8Array | null;

  constructor(bytes: Uint8Array, path = 'memory') {
    this.path = path;
    this.byteLength = bytes.byteLength;
    this.#bytes = bytes;
  }

  async read(byteOffset: number, into: Uint8Array): Promise<void> {
    if (this.#bytes === null) throw closedError(this.path);
    assertRange(this, byteOffset, into.byteLength);
    into.set(this.#bytes.subarray(byteOffset, byteOffset + into.byteLength));
  }

  async close(): Promise<void> {
    this.#bytes = null;
  }
}

/** @throws RefuteError E_FILE_SHORT_READ unless [byteOffset, byteOffset + byteLength) lies inside the source. */
export function assertRange(
  source: { path: string; byteLength: number },
  byteOffset: number,
  byteLength: number,
): void {
  const isInside = Number.isSafeInteger(byteOffset) && byteOffset >= 0 && byteOffset + byteLength <= source.byteLength;
  if (!isInside) throw shortReadError(source.path, byteOffset, byteLength, source.byteLength);
}

export function shortReadError(path: string, byteOffset: number, byteLength: number, fileLength: number): RefuteError {
  const is = `bytes ${byteOffset} to ${byteOffset + byteLength} are wanted and the file has ${fileLength}`;
  const next = 'It was cut short, or changed while it was read';
  return new RefuteError({ code: 'E_FILE_SHORT_READ', place: path, is, next });
}

export function closedError(path: string): RefuteError {
  return new RefuteError({ code: 'E_FILE_CLOSED', place: path, is: 'the file was closed before this read' });
}
