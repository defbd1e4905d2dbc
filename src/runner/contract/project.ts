// A project as the harness sees it: a folder with contracts/, falsifiers/ and evidence/, found from a root.
import { existsSync, realpathSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { RefuteError } from '../../errors.ts';
import { loadContracts } from './load-contract.ts';
import type { Claim, Contract } from './model.ts';

export interface Project {
  /** Absolute, links resolved: closures are compared by path. */
  root: string;
  /** By path. */
  contracts: Contract[];
}

/** @throws RefuteError E_NO_CONTRACTS, or as `loadContracts` does */
export function openProject(root: string): Project {
  const folder = resolve(root, 'contracts');
  if (!existsSync(folder)) {
    const is = 'there is no folder contracts/ here';
    const next = 'Change into the project, or name it with --root';
    throw new RefuteError({ code: 'E_NO_CONTRACTS', place: resolve(root), is, next });
  }
  const real = realpathSync(resolve(root));
  // Relative to the current folder, so that places in messages can be clicked.
  const shown = relative(process.cwd(), join(real, 'contracts'));
  return { root: real, contracts: loadContracts(shown === '' ? '.' : shown) };
}

/** `contracts/rmsnorm-v1.yaml:42`, for messages. */
export function claimPlace({ contract, line }: Pick<Claim, 'contract' | 'line'>): string {
  return `${contract.path}:${line}`;
}

function claimsOf(project: Project): Claim[] {
  return project.contracts.flatMap((contract) => contract.claims);
}

/** True when something can be run for the claim: it says so, or a falsifier module of its contract's name is there. */
export function isRunnable(project: Project, claim: Claim): boolean {
  return claim.isBound || existsSync(join(project.root, 'falsifiers', `${claim.falsifier}.ts`));
}

export function runnableClaims(project: Project): Claim[] {
  return claimsOf(project).filter((claim) => isRunnable(project, claim));
}

/**
 * Claims whose id, or whose contract, matches one of the patterns (`*` stands for anything). Exact ids win: an id that
 * names nothing is an error, not an empty selection.
 */
export function selectClaims(project: Project, patterns: readonly string[]): Claim[] {
  const claims = claimsOf(project);
  const chosen = new Set<Claim>();
  for (const pattern of patterns) {
    const expression = patternExpression(pattern);
    const matching = claims.filter((claim) =>
      [claim.id, claim.contract.name, claim.contract.stem].some((name) => expression.test(name)),
    );
    if (matching.length === 0 && !pattern.includes('*')) {
      const is = `none of ${claims.length} claims has this id`;
      throw new RefuteError({ code: 'E_NO_SUCH_CLAIM', place: pattern, is, next: '"pv status" lists them' });
    }
    matching.forEach((claim) => chosen.add(claim));
  }
  return claims.filter((claim) => chosen.has(claim));
}

function patternExpression(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`);
}
