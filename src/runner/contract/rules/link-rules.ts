// Where a contract points, other contracts aside: equations, falsifier modules, planted faults. Each link is resolved
// and counted, the broken ones that decide a verdict are errors: PV-030, PV-040 to PV-042.
import { spanOfPair, spanOfValue, type FileDiagnostics } from '../file-diagnostics.ts';
import type { Claim, Contract } from '../model.ts';
import { nearest } from '../../../near-miss.ts';
import { asText, findNode, findPair, itemsOf } from '../yaml/yaml-node.ts';

export interface LinkTargets {
  /** Text of a falsifier module with that of the helpers beside it; undefined where there is none. */
  falsifierText(name: string, contractPath: string): string | undefined;
}

const LINK_KINDS = ['binds_to', 'depends_on', 'falsifier', 'faults', 'test', 'obligation', 'check'] as const;
type LinkKind = (typeof LINK_KINDS)[number];
export type LinkCounts = Record<LinkKind, { resolved: number; total: number }>;

export function emptyLinkCounts(): LinkCounts {
  const zero = (): { resolved: number; total: number } => ({ resolved: 0, total: 0 });
  return Object.fromEntries(LINK_KINDS.map((kind) => [kind, zero()])) as LinkCounts;
}

export function checkLinks(
  contract: Contract,
  targets: LinkTargets,
  counts: LinkCounts,
  diagnostics: FileDiagnostics,
): void {
  for (const claim of contract.claims) {
    checkBinding(contract, claim, counts, diagnostics);
    if (claim.isBound) checkFalsifier(claim, targets, counts, diagnostics);
  }
}

/** Counts one link, and says whether it leads somewhere. */
export function count(counts: LinkCounts, kind: LinkKind, isResolved: boolean): boolean {
  counts[kind].total += 1;
  if (isResolved) counts[kind].resolved += 1;
  return isResolved;
}

function checkBinding(contract: Contract, claim: Claim, counts: LinkCounts, diagnostics: FileDiagnostics): void {
  const { bindsTo, node, id } = claim;
  if (bindsTo === undefined || count(counts, 'binds_to', claim.equation !== undefined)) return;
  const names = contract.equations.map((equation) => equation.name);
  const message = `${id} binds to "${bindsTo}"; the file has no such equation`;
  diagnostics.add('PV-030', message, spanOfValue(node, 'binds_to'), { didYouMean: nearest(bindsTo, names) });
}

function checkFalsifier(claim: Claim, targets: LinkTargets, counts: LinkCounts, diagnostics: FileDiagnostics): void {
  const { node, id, falsifier } = claim;
  // A black-box check needs no module, unless it names one.
  if (claim.run !== undefined && findPair(node, 'falsifier') === undefined) return;
  const pair = findPair(node, 'falsifier');
  const at = pair === undefined ? spanOfValue(node, 'id') : spanOfPair(pair);
  const text = targets.falsifierText(falsifier, claim.contract.path);
  if (text === undefined) {
    count(counts, 'falsifier', false);
    diagnostics.add('PV-040', `${id} is to be run, and there is no falsifiers/${falsifier}.ts`, at);
    return;
  }
  if (!count(counts, 'falsifier', isKeyIn(text, id))) {
    diagnostics.add('PV-041', `falsifiers/${falsifier}.ts has no entry '${id}'`, spanOfValue(node, 'id'));
  }
  for (const item of itemsOf(findNode(node, 'faults'))) {
    const fault = (asText(item) ?? '').replace(/^(cpu|webgpu):/, '');
    if (count(counts, 'faults', isWordIn(text, fault))) continue;
    diagnostics.add('PV-042', `falsifiers/${falsifier}.ts does not mention the fault '${fault}'`, item);
  }
}

/** As `'ID':` or `id: 'ID'`, in any quotes. */
function isKeyIn(text: string, id: string): boolean {
  const quoted = `['"\`]${RegExp.escape(id)}['"\`]`;
  return new RegExp(`${quoted}\\s*[\\]:,)]|\\bid:\\s*${quoted}`).test(text);
}

/** Between characters that cannot be part of an id. */
export function isWordIn(text: string, word: string): boolean {
  if (word === '') return false;
  const isPart = (at: number): boolean => /[\w-]/.test(text.charAt(at));
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (!isPart(at - 1) && !isPart(at + word.length)) return true;
  }
  return false;
}
