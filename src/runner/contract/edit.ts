// Changes a contract's text without rewriting it: only the tokens that must change do. Pure; writing the file is the
// caller's. What `pv` may change is the closed list below, everything else in a contract belongs to its author.
import type { EvidenceEntry, EvidenceKey } from './model.ts';

export type ContractEdit =
  /** Sets the `status` of one falsification test. */
  | { kind: 'status'; id: string; status: string }
  /** Replaces what stands under one evidence key of a test; no entries: the key goes. */
  | { kind: 'evidence'; id: string; key: EvidenceKey; entries: readonly EvidenceEntry[] }
  /** Sets metadata.version, in the quotes it has. */
  | { kind: 'version'; version: string }
  /** Adds one line to metadata.changelog, unless it already is the last one. */
  | { kind: 'changelog'; line: string };

/** The new text. Applying the same edits again changes nothing. */
export function applyEdits(source: string, edits: readonly ContractEdit[]): string {
  if (edits.length === 0) return source;
  throw new Error('not built yet');
}
