// Keys that nothing reads: unknown ones at every depth (PV-010), sections misspelt at the top (SCHEMA-018,
// SCHEMA-019), keys written twice (SCHEMA-020), and known keys under which claims stand that nothing runs (PV-011).
import { placeOf, relatedAt, type FileDiagnostics } from '../file-diagnostics.ts';
import { BINDING_KEYS } from '../keys.ts';
import type { Contract } from '../model.ts';
import { nearest } from '../../../near-miss.ts';
import { CONTRACT_KEYS, treeOfKey, type KeyTree } from '../schema.ts';
import { findPair, type YamlKey, type YamlMap, type YamlNode } from '../yaml/yaml-node.ts';
import { sectionHeld } from './section-kinds.ts';

export function checkKeys(contract: Contract, diagnostics: FileDiagnostics): void {
  for (const { first, second } of contract.duplicates) {
    const related = relatedAt(placeOf(contract, first), 'the first one, which is read');
    diagnostics.add('SCHEMA-020', `Duplicate key: ${second.text}`, second, { related });
  }
  for (const { key, value } of contract.root.pairs) {
    const tree = treeOfKey(CONTRACT_KEYS, key.text);
    if (tree === undefined) reportTopLevel(key, value, diagnostics);
    else if (hasUnknownKey(value, tree))
      visit({ node: value, tree, path: key.text, isOurs: key.text === 'retired', diagnostics });
    if (tree?.isUnrun === true) reportUnrun(contract, key, value, diagnostics);
    else if (tree !== undefined) reportMisplaced(key.text, value, diagnostics);
  }
}

/** A quick look without paths: the search with paths starts only where this finds an unknown key. */
function hasUnknownKey(node: YamlNode, tree: KeyTree): boolean {
  if (node.kind === 'seq') {
    const { items } = tree;
    return items !== undefined && node.items.some((item) => hasUnknownKey(item, items));
  }
  if (node.kind === 'scalar') return false;
  return node.pairs.some(({ key, value }) => {
    const below = treeOfKey(tree, key.text);
    return below === undefined || hasUnknownKey(value, below);
  });
}

function reportTopLevel(key: YamlKey, value: YamlNode, diagnostics: FileDiagnostics): void {
  // Reported by the spelling rules.
  if (key.text === '<<') return;
  if (key.text === 'kind') {
    const message = 'top-level `kind:` decides nothing; the kind of a contract is metadata.kind, else kernel';
    diagnostics.add('SCHEMA-018', message, key, { didYouMean: 'metadata.kind' });
    return;
  }
  const section = sectionHeld(value) ?? nearest(key.text, [...(CONTRACT_KEYS.keys?.keys() ?? [])]);
  if (section !== undefined) {
    const message = `top-level \`${key.text}:\` is not a contract field; everything under it is unread`;
    diagnostics.add('SCHEMA-019', message, key, { didYouMean: section });
    return;
  }
  diagnostics.add('PV-010', `unknown key '${key.text}'; it is kept, nothing reads it`, key);
}

/** Claims under an older name, whatever their entries look like. */
const UNRUN_TESTS: ReadonlySet<string> = new Set(['falsification', 'falsifications']);
/** What must not be read past where it stands too deep. */
const SECTIONS: ReadonlySet<string> = new Set([
  'falsification_tests',
  'proof_obligations',
  'kani_harnesses',
  'equations',
  'qa_gate',
]);

interface Visit {
  node: YamlNode;
  tree: KeyTree;
  path: string;
  /** True where an ignored key would change what is run or how it is judged. */
  isOurs: boolean;
  diagnostics: FileDiagnostics;
}

function visit({ node, tree, path, isOurs, diagnostics }: Visit): void {
  if (node.kind === 'scalar') return;
  if (node.kind === 'seq') {
    const { items } = tree;
    if (items === undefined) return;
    node.items.forEach((item, index) => {
      visit({ node: item, tree: items, path: `${path}[${index}]`, isOurs, diagnostics });
    });
    return;
  }
  const isHereOurs = isOurs || (path.startsWith('falsification_tests[') && isBound(node));
  for (const { key, value } of node.pairs) {
    const below = treeOfKey(tree, key.text);
    if (below !== undefined) {
      const isOursBelow = isHereOurs || key.text === 'bar' || key.text === 'outside_oracle';
      visit({ node: value, tree: below, path: `${path}.${key.text}`, isOurs: isOursBelow, diagnostics });
      continue;
    }
    // Reported elsewhere: by the spelling rules, and as misplaced.
    if (key.text === '<<' || isMisplaced(key.text, value)) continue;
    if (sectionHeld(value) === 'falsification_tests') {
      const message = `falsification tests under '${key.text}' in ${path}, from where nothing is run`;
      diagnostics.add('PV-011', message, key, { severity: 'error', didYouMean: 'falsification_tests' });
      continue;
    }
    const didYouMean = nearest(key.text, [...(tree.keys?.keys() ?? [])]);
    // A decimal comma makes a key of the digits behind it: `threshold: 1,5`.
    const severity = isHereOurs && (didYouMean !== undefined || /^\d+$/.test(key.text)) ? 'error' : 'warning';
    const message = `unknown key '${key.text}' in ${path}; it is kept, nothing reads it`;
    diagnostics.add('PV-010', message, key, { severity, didYouMean });
  }
}

function isBound(test: YamlMap): boolean {
  return BINDING_KEYS.some((key) => findPair(test, key) !== undefined);
}

function reportUnrun(contract: Contract, key: YamlKey, value: YamlNode, diagnostics: FileDiagnostics): void {
  const isNull = value.kind === 'scalar' && value.value === null;
  const count = value.kind === 'seq' ? value.items.length : value.kind === 'map' ? value.pairs.length : isNull ? 0 : 1;
  if (count === 0) return;
  const what = count === 1 ? '1 entry' : `${count} entries`;
  const tests = contract.claims.length;
  const besides = tests === 0 ? 'and the file has no falsification test' : `beside ${tests} in falsification_tests`;
  const message = `${what} under '${key.text}', from where nothing is run, ${besides}`;
  const areTests = UNRUN_TESTS.has(key.text) || sectionHeld(value) === 'falsification_tests';
  const isError = areTests ? { severity: 'error' as const, didYouMean: 'falsification_tests' } : {};
  diagnostics.add('PV-011', message, key, isError);
}

/** Below another key: an indentation too deep, mostly. */
function reportMisplaced(path: string, node: YamlNode, diagnostics: FileDiagnostics): void {
  if (node.kind === 'scalar') return;
  if (node.kind === 'seq') {
    node.items.forEach((item, index) => reportMisplaced(`${path}[${index}]`, item, diagnostics));
    return;
  }
  for (const { key, value } of node.pairs) {
    if (!isMisplaced(key.text, value)) {
      reportMisplaced(`${path}.${key.text}`, value, diagnostics);
      continue;
    }
    const message = `'${key.text}' stands in ${path}, where nothing reads it; it belongs to the top of the file`;
    diagnostics.add('PV-011', message, key, { severity: 'error', didYouMean: key.text });
  }
}

function isMisplaced(key: string, value: YamlNode): boolean {
  return SECTIONS.has(key) && value.kind !== 'scalar' && (key === 'qa_gate' || sectionHeld(value) === key);
}
