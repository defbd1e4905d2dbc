// The original tool's rules about one contract, SCHEMA-001 to SCHEMA-017 and 021 to 023, in its order, and two of ours
// about metadata. Equations and the gate are demanded of kernel contracts only, as there.
import type { FileDiagnostics, Span } from '../file-diagnostics.ts';
import { placeOf, relatedAt, spanOfKey, spanOfValue, startOf } from '../file-diagnostics.ts';
import { OBLIGATION_FORMAL, OBLIGATION_PROPERTY, TEST_IF_FAILS, TEST_PREDICTION } from '../keys.ts';
import type { Contract, Obligation } from '../model.ts';
import { asMap, asText, findAnyNode, findNode, findPair, type YamlMap } from '../yaml/yaml-node.ts';

export function checkContract(contract: Contract, diagnostics: FileDiagnostics): void {
  checkMetadata(contract, diagnostics);
  const isKernel = contract.metadata.kind === 'kernel' && !isRegistry(contract);
  if (isKernel) checkEquations(contract, diagnostics);
  checkObligations(contract, diagnostics);
  checkIds(contract, contract.obligations, 'obligations', diagnostics);
  checkIds(contract, contract.retired, 'withdrawn claims', diagnostics);
  // Of a map of equations, SCHEMA-020 reports it.
  const isList = findNode(contract.root, 'equations')?.kind === 'seq';
  if (isList) checkIds(contract, namedEquations(contract), 'equations', diagnostics);
  checkTests(contract, diagnostics);
  checkHarnesses(contract, diagnostics);
  if (isKernel && findPair(contract.root, 'qa_gate') === undefined) {
    const message = 'No qa_gate defined; it says when the contract as a whole is met';
    diagnostics.add('SCHEMA-013', message, startOf(contract.root));
  }
}

function isRegistry(contract: Contract): boolean {
  const registry = findNode(asMap(findNode(contract.root, 'metadata')), 'registry');
  return registry?.kind === 'scalar' && registry.value === true;
}

function isEmpty(text: string | undefined): boolean {
  return text === undefined || text.trim() === '';
}

/** A list or a map is of the wrong type, not missing; PV-003 reports it. */
function isMissing(text: string | undefined, map: YamlMap, keys: readonly string[]): boolean {
  return isEmpty(text) && (findAnyNode(map, keys)?.kind ?? 'scalar') === 'scalar';
}

function checkMetadata({ root, metadata }: Contract, diagnostics: FileDiagnostics): void {
  const map = asMap(findNode(root, 'metadata'));
  if (map === undefined) {
    // Absent or of another type: the shape rules report it.
    const pair = findPair(root, 'metadata');
    if (pair?.value.kind === 'scalar' && pair.value.value === null) {
      diagnostics.add('PV-005', 'metadata is empty; version, description and references are missing', pair.key);
    }
    return;
  }
  const at = (key: string): Span => findPair(map, key)?.key ?? spanOfKey(root, 'metadata');
  if (metadata.references.every(isEmpty)) {
    const message = 'metadata.references must not be empty; every contract cites its sources';
    diagnostics.add('SCHEMA-001', message, at('references'));
  }
  if (isEmpty(metadata.version)) {
    diagnostics.add('SCHEMA-002', 'metadata.version must not be empty', at('version'));
  } else if (!/^[0-9]+\.[0-9]+\.[0-9]+(?:[-+].+)?$/.test(metadata.version)) {
    const message = `metadata.version is "${metadata.version}"; three numbers are needed to move it, as in "1.0.0"`;
    diagnostics.add('PV-006', message, spanOfValue(map, 'version'));
  }
  if (isEmpty(metadata.description)) {
    diagnostics.add('PV-007', 'metadata.description is missing or empty', at('description'));
  }
}

function checkEquations({ root, equations, metadata }: Contract, diagnostics: FileDiagnostics): void {
  if (equations.length === 0) {
    const why = metadata.isKindDeclared ? '' : ' (no metadata.kind, so it is judged as kernel)';
    diagnostics.add('SCHEMA-003', `equations must contain at least one equation${why}`, spanOfKey(root, 'equations'));
  }
  for (const { name, formula, node } of equations) {
    if (isMissing(formula, node, ['formula'])) {
      diagnostics.add('SCHEMA-004', `equations.${name}.formula must not be empty`, spanOfKey(node, 'formula'));
    }
  }
}

function checkObligations(contract: Contract, diagnostics: FileDiagnostics): void {
  const firstByFormal = new Map<string, Obligation>();
  contract.obligations.forEach((obligation, index) => {
    const { node, formal, property } = obligation;
    const place = `proof_obligations[${index}]`;
    if (isMissing(property, node, OBLIGATION_PROPERTY)) {
      diagnostics.add('SCHEMA-005', `${place}.property must not be empty`, spanOfKey(node, ...OBLIGATION_PROPERTY));
    }
    if (formal !== undefined && !isEmpty(formal)) {
      const first = firstByFormal.get(formal);
      if (first === undefined) {
        firstByFormal.set(formal, obligation);
      } else {
        const related = relatedAt(placeOf(contract, spanOfValue(first.node, ...OBLIGATION_FORMAL)), 'the first one');
        const at = spanOfValue(node, ...OBLIGATION_FORMAL);
        diagnostics.add('SCHEMA-006', `Duplicate formal predicate: ${formal.trim()}`, at, { related });
      }
    }
    checkObligationType(contract, obligation, place, diagnostics);
    checkApplicability(obligation, place, diagnostics);
  });
}

interface Identified {
  id?: string;
  node: YamlMap;
}

function namedEquations({ equations }: Contract): Identified[] {
  return equations
    .filter(({ node }) => findPair(node, 'id') !== undefined)
    .map(({ name, node }) => ({ id: name, node }));
}

function checkIds(
  contract: Contract,
  entities: readonly Identified[],
  what: string,
  diagnostics: FileDiagnostics,
): void {
  const firstById = new Map<string, Span>();
  for (const { id, node } of entities) {
    if (id === undefined || id === '') continue;
    const at = spanOfValue(node, 'id');
    const first = firstById.get(id);
    if (first === undefined) firstById.set(id, at);
    else {
      const related = relatedAt(placeOf(contract, first), 'the first one');
      diagnostics.add('PV-020', `${id} names two ${what}`, at, { related });
    }
  }
}

function checkObligationType(
  contract: Contract,
  obligation: Obligation,
  place: string,
  diagnostics: FileDiagnostics,
): void {
  const { node, type, parentContract } = obligation;
  const found = `(found on ${type})`;
  if (findPair(node, 'requires') !== undefined && type !== 'postcondition') {
    const message = `${place}.requires is only valid on postcondition obligations ${found}`;
    diagnostics.add('SCHEMA-014', message, spanOfKey(node, 'requires'));
  }
  if (findPair(node, 'applies_to_phase') !== undefined && type !== 'loop_invariant' && type !== 'loop_variant') {
    const message = `${place}.applies_to_phase is only valid on loop_invariant or loop_variant obligations ${found}`;
    diagnostics.add('SCHEMA-015', message, spanOfKey(node, 'applies_to_phase'));
  }
  if (parentContract === undefined) return;
  if (type !== 'subcontract') {
    const message = `${place}.parent_contract is only valid on subcontract obligations ${found}`;
    diagnostics.add('SCHEMA-016', message, spanOfKey(node, 'parent_contract'));
  } else if (!contract.metadata.dependsOn.includes(parentContract)) {
    const message = `${place}.parent_contract "${parentContract}" must be listed in metadata.depends_on`;
    diagnostics.add('SCHEMA-017', message, spanOfValue(node, 'parent_contract'));
  }
}

function checkApplicability({ node, appliesTo }: Obligation, place: string, diagnostics: FileDiagnostics): void {
  const isNotApplicable = appliesTo === 'not_applicable';
  const needed = [
    ['na_reason', 'SCHEMA-021'],
    ['na_owner', 'SCHEMA-022'],
  ] as const;
  for (const [key, code] of needed) {
    const pair = findPair(node, key);
    if (isNotApplicable && pair === undefined) {
      diagnostics.add(code, `${place} is not_applicable without ${key}`, spanOfValue(node, 'applies_to'));
    } else if (!isNotApplicable && pair !== undefined) {
      diagnostics.add('SCHEMA-023', `${place}.${key} stands on an obligation that applies`, pair.key);
    }
  }
}

function checkTests(contract: Contract, diagnostics: FileDiagnostics): void {
  const firstById = new Map<string, Span>();
  for (const { id, node, prediction, ifFails } of contract.claims) {
    const at = spanOfValue(node, 'id');
    const first = firstById.get(id);
    if (first === undefined) firstById.set(id, at);
    else {
      const related = relatedAt(placeOf(contract, first), 'the first one');
      diagnostics.add('SCHEMA-007', `Duplicate falsification test ID: ${id}`, at, { related });
    }
    if (isMissing(prediction, node, TEST_PREDICTION)) {
      const message = `falsification_tests.${id}.prediction must not be empty; without it nothing can contradict the claim`;
      diagnostics.add('SCHEMA-008', message, spanOfKey(node, ...TEST_PREDICTION));
    }
    if (isMissing(ifFails, node, TEST_IF_FAILS)) {
      const message = `falsification_tests.${id}.if_fails is empty; it says what is broken then`;
      diagnostics.add('SCHEMA-009', message, spanOfKey(node, ...TEST_IF_FAILS));
    }
  }
}

function checkHarnesses(contract: Contract, diagnostics: FileDiagnostics): void {
  const firstById = new Map<string, Span>();
  for (const { id, node, obligation, bound } of contract.harnesses) {
    const at = spanOfValue(node, 'id');
    const first = firstById.get(id);
    if (first === undefined) firstById.set(id, at);
    else
      diagnostics.add('SCHEMA-010', `Duplicate Kani harness ID: ${id}`, at, {
        related: relatedAt(placeOf(contract, first), 'the first one'),
      });
    if (isMissing(obligation, node, ['obligation'])) {
      const message = `kani_harnesses.${id}.obligation must not be empty; every harness shows an obligation`;
      diagnostics.add('SCHEMA-011', message, spanOfKey(node, 'obligation'));
    }
    // A bound of the wrong type counts as present; PV-003 reports it.
    if (bound === undefined && asText(findNode(node, 'bound')) === undefined) {
      const message = `kani_harnesses.${id}.bound not specified; Kani needs an unwind bound`;
      diagnostics.add('SCHEMA-012', message, spanOfKey(node, 'bound'));
    }
  }
}
