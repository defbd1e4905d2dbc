// From the YAML tree to the typed contract. Tolerant: a value of the wrong type reads as absent, because saying so
// with its place is the job of the rules (rules/), and one bad entry must not hide the rest of a file.
import { LineIndex } from './line-index.ts';
import { BINDING_KEYS, OBLIGATION_FORMAL, OBLIGATION_PROPERTY } from './keys.ts';
import { TEST_COMMAND, TEST_IF_FAILS, TEST_PREDICTION, TEST_RULE, TEST_STATUS } from './keys.ts';
import { parseBar, parseDeclaredLevel, parseEvidence, parseExecutors, parseRequiredLevel } from './parse-claim-keys.ts';
import type { Claim, Contract, Equation, Harness, Located, Metadata, Obligation, Retired } from './model.ts';
import { asMap, asText, asTexts, findAnyNode, findNode, findPair, itemsOf } from './yaml/yaml-node.ts';
import type { DuplicateKey, YamlMap, YamlNode } from './yaml/yaml-node.ts';

export interface ContractText {
  path: string;
  source: string;
  root: YamlMap;
  duplicates: DuplicateKey[];
}

export function parseContract(text: ContractText): Contract {
  const { root, path } = text;
  const lines = new LineIndex(text.source);
  const { name, stem, fileVersion } = parseFileName(path);
  const locate = (node: YamlMap): Located => {
    const { line, column } = lines.positionOf(node.start);
    return { line, column, node };
  };
  const metadata = parseMetadata(asMap(findNode(root, 'metadata')));
  const equations = parseEquations(root, locate);
  const section = (key: string): YamlMap[] =>
    itemsOf(findNode(root, key))
      .map(asMap)
      .filter((item) => item !== undefined);
  const tests = section('falsification_tests');
  const contract: Contract = {
    name,
    stem,
    ...(fileVersion === undefined ? {} : { fileVersion }),
    ...text,
    lines,
    metadata,
    equations,
    obligations: parseObligations(section('proof_obligations'), name, locate),
    claims: [],
    harnesses: section('kani_harnesses').map((node) => parseHarness(node, locate)),
    retired: section('retired').map((node) => parseRetired(node, locate)),
  };
  contract.claims = tests.map((node, index) => parseClaim(contract, node, index, locate(node)));
  return contract;
}

/** `contracts/rmsnorm-v1.yaml` is contract `rmsnorm-v1`, stem `rmsnorm`, version 1. */
export function parseFileName(path: string): { name: string; stem: string; fileVersion?: number } {
  const file = path.split(/[/\\]/).at(-1) ?? path;
  const name = file.replace(/\.ya?ml$/i, '');
  const match = /^(?<stem>.+)-v(?<version>[0-9]{1,6})$/.exec(name);
  const stem = match?.groups?.['stem'];
  if (stem === undefined) return { name, stem: name };
  return { name, stem, fileVersion: Number(match?.groups?.['version']) };
}

/** Sets an optional text where the file gives one. */
function setText<Key extends string>(target: { [K in Key]?: string }, key: Key, node: YamlNode | undefined): void {
  const text = asText(node);
  if (text !== undefined) target[key] = text;
}

function parseMetadata(map: YamlMap | undefined): Metadata {
  const kind = asText(findNode(map, 'kind'));
  const references = findNode(map, 'references');
  const metadata: Metadata = {
    version: asText(findNode(map, 'version')) ?? '',
    description: asText(findNode(map, 'description')) ?? '',
    kind: kind ?? 'kernel',
    isKindDeclared: kind !== undefined,
    // Some contracts give references as a map of label to text.
    references: references?.kind === 'map' ? references.pairs.map((pair) => pair.key.text) : asTexts(references),
    dependsOn: asTexts(findNode(map, 'depends_on')),
    changelog: asTexts(findNode(map, 'changelog')),
  };
  setText(metadata, 'created', findNode(map, 'created'));
  setText(metadata, 'author', findNode(map, 'author'));
  setText(metadata, 'status', findNode(map, 'status'));
  return metadata;
}

function parseEquations(root: YamlMap, locate: (node: YamlMap) => Located): Equation[] {
  const node = findNode(root, 'equations');
  if (node?.kind === 'map') {
    return node.pairs.map(({ key, value }) => {
      // `name: text` is a formula without its map.
      const map = asMap(value) ?? { kind: 'map', pairs: [], isFlow: false, start: key.start, end: value.end };
      const formula = asText(findNode(map, 'formula')) ?? asText(value) ?? '';
      return equationOf(key.text, formula, map, locate(map));
    });
  }
  return itemsOf(node)
    .map(asMap)
    .filter((item) => item !== undefined)
    .map((map, index) => {
      const name = asText(findNode(map, 'id')) ?? `equation_${index + 1}`;
      return equationOf(name, asText(findNode(map, 'formula')) ?? '', map, locate(map));
    });
}

function equationOf(name: string, formula: string, map: YamlMap, location: Located): Equation {
  const equation: Equation = { name, formula, invariants: asTexts(findNode(map, 'invariants')), ...location };
  setText(equation, 'domain', findNode(map, 'domain'));
  setText(equation, 'codomain', findNode(map, 'codomain'));
  return equation;
}

function parseObligations(nodes: YamlMap[], contract: string, locate: (node: YamlMap) => Located): Obligation[] {
  const countByType = new Map<string, number>();
  return nodes.map((node) => {
    const type = asText(findNode(node, 'type')) ?? 'invariant';
    const count = (countByType.get(type) ?? 0) + 1;
    countByType.set(type, count);
    const id = asText(findNode(node, 'id'));
    const obligation: Obligation = {
      handle: id ?? `${contract}#${type}-${count}`,
      type,
      property: asText(findAnyNode(node, OBLIGATION_PROPERTY)) ?? '',
      ...locate(node),
    };
    setText(obligation, 'id', findNode(node, 'id'));
    setText(obligation, 'formal', findAnyNode(node, OBLIGATION_FORMAL));
    setText(obligation, 'appliesTo', findNode(node, 'applies_to'));
    setText(obligation, 'parentContract', findNode(node, 'parent_contract'));
    return obligation;
  });
}

function parseClaim(contract: Contract, node: YamlMap, index: number, place: Located): Claim {
  const claim: Claim = {
    id: nameIn(node) ?? `${contract.name}#test-${index + 1}`,
    contract,
    prediction: asText(findAnyNode(node, TEST_PREDICTION)) ?? '',
    requiredLevel: parseRequiredLevel(findNode(node, 'required_level')),
    executors: parseExecutors(findNode(node, 'executors')),
    outsideOracle: parseOutsideOracle(asMap(findNode(node, 'outside_oracle'))),
    faults: asTexts(findNode(node, 'faults')),
    falsifier: asText(findNode(node, 'falsifier')) ?? contract.name,
    isBound: BINDING_KEYS.some((key) => findPair(node, key) !== undefined),
    evidence: parseEvidence(node),
    ...place,
  };
  setText(claim, 'rule', findAnyNode(node, TEST_RULE));
  setText(claim, 'ifFails', findAnyNode(node, TEST_IF_FAILS));
  setText(claim, 'test', findAnyNode(node, TEST_COMMAND));
  setText(claim, 'bindsTo', findNode(node, 'binds_to'));
  setText(claim, 'status', findAnyNode(node, TEST_STATUS));
  const equation = contract.equations.find((candidate) => candidate.name === claim.bindsTo);
  if (equation !== undefined) claim.equation = { name: equation.name, formula: equation.formula };
  const bar = parseBar(asMap(findNode(node, 'bar')));
  if (bar !== undefined) claim.bar = bar;
  const run = findNode(node, 'run');
  if (run?.kind === 'seq') claim.run = asTexts(run);
  const level = claim.status === undefined ? undefined : parseDeclaredLevel(claim.status);
  if (level !== undefined) claim.declaredLevel = level;
  return claim;
}

/** Absent where it is blank. */
function nameIn(node: YamlMap): string | undefined {
  const id = asText(findNode(node, 'id'));
  return id?.trim() === '' ? undefined : id;
}

function parseOutsideOracle(oracle: YamlMap | undefined): Claim['outsideOracle'] {
  const possible = findNode(oracle, 'possible');
  const parsed: Claim['outsideOracle'] = { possible: !(possible?.kind === 'scalar' && possible.value === false) };
  setText(parsed, 'reason', findNode(oracle, 'reason'));
  return parsed;
}

function parseHarness(node: YamlMap, locate: (node: YamlMap) => Located): Harness {
  const bound = findNode(node, 'bound');
  return {
    id: asText(findNode(node, 'id')) ?? '',
    obligation: asText(findNode(node, 'obligation')) ?? '',
    ...(bound?.kind === 'scalar' && typeof bound.value === 'number' ? { bound: bound.value } : {}),
    ...locate(node),
  };
}

function parseRetired(node: YamlMap, locate: (node: YamlMap) => Located): Retired {
  return { id: asText(findNode(node, 'id')) ?? '', reason: asText(findNode(node, 'reason')) ?? '', ...locate(node) };
}
