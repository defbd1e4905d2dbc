// What `pv impact` says: the claims by contract, the figure of each file, and the middle of all files.
import type { FileImpact, Impact } from '../evidence/impact.ts';
import type { Claim } from '../contract/model.ts';
import { shortIds } from '../level/level-change.ts';

export interface ImpactRow {
  contract: string;
  stale: number;
  /** Claims of the contract. */
  of: number;
  ids: string;
}

/** One row for each contract with a claim that would be stale. */
export function impactRows({ files }: Impact): ImpactRow[] {
  const byContract = Map.groupBy(staleClaims(files), ({ contract }) => contract);
  return [...byContract].map(([{ name, claims }, stale]) => ({
    contract: name,
    stale: stale.length,
    of: claims.length,
    ids: shortIds(stale.map(({ id }) => id)),
  }));
}

/** A line for each file, one for all where there are several, and one for the claims that wait. */
export function impactLines({ files, claimCount, waiting }: Impact): string[] {
  const lines = files.map(({ file, claims, byLineMore }) => {
    const count = `${claims.length} of ${claimCount} claims`;
    if (claims.length === 0) return `${file}: no claim hangs on it`;
    if (byLineMore === undefined) return `${file}: a change makes ${count} stale`;
    const more = byLineMore.length === 0 ? 'nothing' : shortIds(byLineMore.map(({ id }) => id));
    return `${file}: a table; a line more makes ${more} stale, a line changed or removed ${count}`;
  });
  if (files.length > 1) lines.push(`together: ${staleClaims(files).length} of ${claimCount} claims`);
  if (waiting.length > 0) {
    const more = waiting.length === 1 ? '1 more waits' : `${waiting.length} more wait`;
    lines.push(`${more} until they are fresh: ${shortIds(waiting.map(({ id }) => id))}`);
  }
  return lines;
}

export function middleLine(impact: Impact): string {
  const { files, claimCount } = impact;
  const middle = middleOf(impact);
  if (middle === null) return 'there is no source file in src/ or falsifiers/';
  return `${files.length} files; the middle one is ${middle.file}: ${middle.claims.length} of ${claimCount} claims`;
}

export function impactJson({ files, claimCount, waiting }: Impact): object {
  return {
    schemaVersion: 1,
    claims: claimCount,
    stale: staleClaims(files).map(named),
    waiting: waiting.map(named),
    files: files.map(({ file, claims, byLineMore }) => ({
      file,
      claims: claims.map(({ id }) => id),
      ...(byLineMore === undefined ? {} : { byLineMore: byLineMore.map(({ id }) => id) }),
    })),
  };
}

export function impactTableJson(impact: Impact): object {
  const figure = ({ file, claims }: FileImpact): object => ({ file, claims: claims.length });
  const middle = middleOf(impact);
  return {
    schemaVersion: 1,
    claims: impact.claimCount,
    files: impact.files.map(figure),
    middle: middle === null ? null : figure(middle),
  };
}

function named({ id, contract }: Claim): object {
  return { id, contract: contract.name };
}

function middleOf({ files }: Impact): FileImpact | null {
  return files[Math.floor(files.length / 2)] ?? null;
}

function staleClaims(files: readonly FileImpact[]): Claim[] {
  return [...new Set(files.flatMap(({ claims }) => claims))];
}
