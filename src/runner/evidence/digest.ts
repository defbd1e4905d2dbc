// SHA-256 in the one spelling of receipts, and JSON in the one spelling that is digested.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** `sha256:` and 64 hex digits. */
export type Digest = `sha256:${string}`;

export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** null when there is no such file. */
export function digestOfFile(path: string): Digest | null {
  try {
    return digestOf(readFileSync(path));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** The eight digits that people are shown. */
export function digest8(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 8);
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Keys sorted by code units at every depth, no spaces, numbers as `JSON.stringify` spells them (RFC 8785). */
export function canonicalJson(value: Json): string {
  return JSON.stringify(sortKeys(value));
}

/** The same order of keys over many lines: what lies on disk, so that a diff shows what moved. */
export function canonicalText(value: Json): string {
  return `${JSON.stringify(sortKeys(value), null, 1)}\n`;
}

export function digestOfJson(value: Json): Digest {
  return digestOf(canonicalJson(value));
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') {
    // JSON would turn these into null or 0 without a word: a measurement is a string.
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
      throw new TypeError(`${Object.is(value, -0) ? '-0' : value} has no JSON spelling`);
    }
    return value;
  }
  const keys = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1));
  // No prototype: a key named __proto__ is a key.
  const sorted = Object.create(null) as { [key: string]: Json };
  for (const key of keys) sorted[key] = sortKeys(value[key] ?? null);
  return sorted;
}
