// Where evidence lies: evidence/<stem>/<ID>/<class>.json. Names from a contract are made harmless first.
import { join } from 'node:path';
import type { Claim, Contract } from '../contract/model.ts';

export const EVIDENCE_FOLDER = 'evidence';
export const FINDINGS_FILE = 'findings.md';
const COUNTEREXAMPLE = /^counterexample-[0-9a-f]{8}\.json$/;

type Named = Pick<Claim, 'id'> & { contract: Pick<Contract, 'stem'> };

/** Relative to the root, with `/`. */
export function claimFolder({ contract, id }: Named): string {
  return `${EVIDENCE_FOLDER}/${safeName(contract.stem)}/${safeName(id)}`;
}

export function receiptPath(claim: Named, environmentClass: string): string {
  return `${claimFolder(claim)}/${safeName(environmentClass)}.json`;
}

export function isReceiptName(name: string): boolean {
  return name.endsWith('.json') && !name.startsWith('.') && !COUNTEREXAMPLE.test(name);
}

export function isCounterexampleName(name: string): boolean {
  return COUNTEREXAMPLE.test(name);
}

export function absolute(root: string, name: string): string {
  return join(root, ...name.split('/'));
}

/** Letters, digits, `.`, `_`, `-`; anything else as %XX of its UTF-8. A leading dot too: no `..`, no hidden folder. */
function safeName(name: string): string {
  return [...Buffer.from(name, 'utf8')]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const isPlain = /[A-Za-z0-9_-]/.test(character) || (character === '.' && index > 0);
      return isPlain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
