// Keys that nothing reads: unknown ones at every depth (PV-010), sections misspelt at the top (SCHEMA-018,
// SCHEMA-019), keys written twice (SCHEMA-020), and known keys under which claims stand that nothing runs (PV-011).
import { placeOf, relatedAt, type FileDiagnostics } from '../file-diagnostics.ts';
import { BINDING_KEYS } from '../keys.ts';
import type { Contract } from '../model.ts';
import { nearest } from '../../../near-miss.ts';
import { CONTRACT_KEYS, treeOfKey, type KeyTree } from '../schema.ts';
import { findPair, type YamlKey, type YamlMap, type YamlNode } from '../yaml/yaml-node.ts';

export function checkKeys(contract: Contract, diagnostics: FileDiagnostics): void {
  for (const { first, second } of contract.duplicates) {
    const related = relatedAt(placeOf(contract, first), 'the first one, which is read');
    diagnostics.add('SCHEMA-020', `Duplicate key: ${second.text}`, second, { related });
  }
  for (const { key, value } of contract.root.pairs) {
    const tree = treeOfKey(CONTRACT_KEYS, key.text);
    if (tree === undefined) reportTopLevel(key, diagnostics);
    else if (hasUnknownKey(value, tree))
      visit({ node: value, tree, path: key.text, isOurs: key.text === 'retired', diagnostics });
    if (tree?.isUnrun === true) reportUnrun(contract, key, value, diagnostics);
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

function reportTopLevel(key: YamlKey, diagnostics: FileDiagnostics): void {
  if (key.text === 'kind') {
    const message = 'top-level `kind:` decides nothing; the kind of a contract is metadata.kind, else kernel';
    diagnostics.add('SCHEMA-018', message, key, { didYouMean: 'metadata.kind' });
    return;
  }
  const section = nearest(key.text, [...(CONTRACT_KEYS.keys?.keys() ?? [])]);
  if (section !== undefined) {
    const message = `top-level \`${key.text}:\` is not a contract field; everything under it is unread`;
    diagnostics.add('SCHEMA-019', message, key, { didYouMean: section });
    return;
  }
  diagnostics.add('PV-010', `unknown key '${key.text}'; it is kept, nothing reads it`, key);
}

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
    const didYouMean = nearest(key.text, [...(tree.keys?.keys() ?? [])]);
    const severity = isHereOurs && didYouMean !== undefined ? 'error' : 'warning';
    const message = `unknown key '${key.text}' in ${path}; it is kept, nothing reads it`;
    diagnostics.add('PV-010', message, key, { severity, didYouMean });
  }
}

function isBound(test: YamlMap): boolean {
  return BINDING_KEYS.some((key) => findPair(test, key) !== undefined);
}

function reportUnrun(contract: Contract, key: YamlKey, value: YamlNode, diagnostics: FileDiagnostics): void {
  const count = value.kind === 'seq' ? value.items.length : value.kind === 'map' ? value.pairs.length : 0;
  if (count === 0) return;
  const what = count === 1 ? '1 entry' : `${count} entries`;
  const tests = contract.claims.length;
  const besides = tests === 0 ? 'and the file has no falsification test' : `beside ${tests} in falsification_tests`;
  const message = `${what} under '${key.text}', from where nothing is run, ${besides}`;
  diagnostics.add('PV-011', message, key);
}
