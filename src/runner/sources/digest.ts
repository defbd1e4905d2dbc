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
  return spell(value, null);
}

/** The same order of keys over many lines: what lies on disk, so that a diff shows what moved. */
export function canonicalText(value: Json): string {
  return `${spell(value, '\n')}\n`;
}

export function digestOfJson(value: Json): Digest {
  return digestOf(canonicalJson(value));
}

/**
 * Not `JSON.stringify` of a sorted copy: an object puts keys like `10` first, whatever was set first.
 *
 * @param margin line break and indentation where the value stands; null: everything on one line
 */
function spell(value: Json, margin: string | null): string {
  if (value === null || typeof value !== 'object') {
    // JSON would turn these into null or 0 without a word: a measurement is a string.
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
      throw new TypeError(`${Object.is(value, -0) ? '-0' : value} has no JSON spelling`);
    }
    return JSON.stringify(value);
  }
  const inner = margin === null ? null : `${margin} `;
  const isList = Array.isArray(value);
  const items = isList ? value.map((item) => spell(item, inner)) : pairs(value, inner);
  if (items.length === 0) return isList ? '[]' : '{}';
  const text = `${inner ?? ''}${items.join(`,${inner ?? ''}`)}${margin ?? ''}`;
  return isList ? `[${text}]` : `{${text}}`;
}

function pairs(value: { [key: string]: Json }, margin: string | null): string[] {
  const keys = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1));
  const colon = margin === null ? ':' : ': ';
  return keys.map((key) => `${JSON.stringify(key)}${colon}${spell(value[key] ?? null, margin)}`);
}

export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}
