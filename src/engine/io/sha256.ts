// SHA-256 of files and of bytes, as lower-case hex. Files are streamed; a model does not fit into memory twice.
import type { ByteSource } from './byte-source.ts';
import { openFile } from './open-file.ts';

/** Large enough that hashing, not the system call, is the cost; small enough for any machine. */
const CHUNK_BYTES = 2 ** 22;

/** @throws RefuteError as `openFile` does */
export async function sha256File(path: string): Promise<string> {
  const source = await openFile(path);
  try {
    return await sha256Source(source);
  } finally {
    await source.close();
  }
}

export async function sha256Source(source: ByteSource, onChunk?: (byteLength: number) => void): Promise<string> {
  const hash = await newSha256();
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, source.byteLength));
  for (let byteOffset = 0; byteOffset < source.byteLength; byteOffset += buffer.byteLength) {
    const chunk = buffer.subarray(0, Math.min(buffer.byteLength, source.byteLength - byteOffset));
    await source.read(byteOffset, chunk);
    hash.update(chunk);
    onChunk?.(chunk.byteLength);
  }
  return hash.digest();
}

/** Told of the bytes that are hashed so far, of so many. */
export type OnHashed = (doneBytes: number, totalBytes: number) => void;

/** Of one file, or of the list of several: a line of hash and name for each. */
export async function sha256Files(
  files: readonly { name: string; source: ByteSource }[],
  onProgress?: OnHashed,
): Promise<string> {
  const totalBytes = files.reduce((sum, { source }) => sum + source.byteLength, 0);
  let doneBytes = 0;
  const onChunk = (byteLength: number): void => onProgress?.((doneBytes += byteLength), totalBytes);
  const [only] = files;
  if (only !== undefined && files.length === 1) return sha256Source(only.source, onChunk);
  const lines: string[] = [];
  for (const { name, source } of files) lines.push(`${await sha256Source(source, onChunk)}  ${name}\n`);
  return sha256Bytes(new TextEncoder().encode(lines.join('')));
}

export async function sha256Bytes(...parts: readonly Uint8Array[]): Promise<string> {
  const hash = await newSha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** A digest of bytes that arrive in pieces. */
export interface RunningSha256 {
  update(bytes: Uint8Array): void;
  /** Hex of all bytes so far; nothing may follow. */
  digest(): string;
}

/** Node's own where there is one, at nine times the speed; WebCrypto has none that takes pieces. */
export async function newSha256(): Promise<RunningSha256> {
  const builtIn = globalThis.process?.getBuiltinModule?.('node:crypto');
  if (builtIn === undefined) return newPortableSha256();
  const hash = builtIn.createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}

/** Without Node: the same digest by @noble/hashes. */
export async function newPortableSha256(): Promise<RunningSha256> {
  const { sha256 } = await import('@noble/hashes/sha2.js');
  const { bytesToHex } = await import('@noble/hashes/utils.js');
  const hash = sha256.create();
  return { update: (bytes) => void hash.update(bytes), digest: () => bytesToHex(hash.digest()) };
}
