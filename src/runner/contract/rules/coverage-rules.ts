// What a contract leaves uncovered: obligations that no test is about, harnesses and checks of something that is not
// there, a contract that claims nothing. Warnings, each with the name: PV-033 to PV-037.
import { spanOfKey, spanOfValue, type FileDiagnostics, type Span } from '../file-diagnostics.ts';
import type { Contract } from '../model.ts';
import { nearest } from '../../../near-miss.ts';
import { asMap, asText, findNode, itemsOf } from '../yaml/yaml-node.ts';
import { count, isWordIn, type LinkCounts } from './link-rules.ts';
import { obligationNames } from './obligation-names.ts';
import { testedObligations } from './tested-obligations.ts';

export function checkCoverage(contract: Contract, counts: LinkCounts, diagnostics: FileDiagnostics): void {
  checkClaimed(contract, diagnostics);
  checkTested(contract, counts, diagnostics);
  checkHarnesses(contract, counts, diagnostics);
  checkChecks(contract, counts, diagnostics);
  checkAppliesTo(contract, diagnostics);
}

function checkClaimed({ root, name, claims }: Contract, diagnostics: FileDiagnostics): void {
  if (claims.length > 0) return;
  const message = `${name} has no falsification test; nothing in it can be refuted`;
  diagnostics.add('PV-035', message, spanOfKey(root, 'falsification_tests'));
}

function checkTested(contract: Contract, counts: LinkCounts, diagnostics: FileDiagnostics): void {
  const tested = testedObligations(contract);
  for (const obligation of contract.obligations) {
    const { handle, property, appliesTo, node } = obligation;
    // Without a property it says nothing that could be tested (SCHEMA-005).
    if (appliesTo === 'not_applicable' || property.trim() === '') continue;
    if (count(counts, 'test', tested.has(obligation))) continue;
    const message = `${handle} ("${property.trim()}") has no falsification test: none names its id, or has its property as rule`;
    diagnostics.add('PV-033', message, spanOfValue(node, 'id'));
  }
}

function checkHarnesses({ obligations, harnesses }: Contract, counts: LinkCounts, diagnostics: FileDiagnostics): void {
  if (harnesses.length === 0) return;
  const named = obligationNames(obligations);
  const ids = obligations.map(({ handle }) => handle);
  for (const { id, obligation, node } of harnesses) {
    // An empty one is SCHEMA-011.
    if (count(counts, 'obligation', named(obligation).length > 0) || obligation.trim() === '') continue;
    const there = ids.length === 0 ? 'the file has none' : 'the file has no such obligation';
    const message = `${id} is a harness for obligation "${obligation}"; ${there}`;
    diagnostics.add('PV-034', message, spanOfValue(node, 'obligation'), { didYouMean: nearest(obligation, ids) });
  }
}

/** `FALSIFY-X-001`, `contract_tests::KANI-X-001`: a name, where checks may be words too. */
const ID = /(?:^|::)([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9]+)$/;

/** Gate and enforcement checks to tests and harnesses. */
function checkChecks({ root, claims, harnesses }: Contract, counts: LinkCounts, diagnostics: FileDiagnostics): void {
  const ids = [...claims, ...harnesses].map((entity) => entity.id).filter((id) => id !== '');
  const check = (place: string, text: string, at: Span): void => {
    const isResolved = ids.some((id) => isWordIn(text, id));
    const named = ID.exec(text.trim())?.[1];
    const isLink = isResolved || named !== undefined;
    if (!isLink || count(counts, 'check', isResolved) || named === undefined) return;
    const message = `${place} names ${named}; the file has no such test or harness`;
    diagnostics.add('PV-036', message, at, { didYouMean: nearest(named, ids) });
  };
  for (const item of itemsOf(findNode(asMap(findNode(root, 'qa_gate')), 'checks'))) {
    check('qa_gate.checks', asText(item) ?? '', item);
  }
  for (const pair of asMap(findNode(root, 'enforcement'))?.pairs ?? []) {
    const rule = asMap(pair.value);
    const text = asText(findNode(rule, 'check'));
    if (rule === undefined || text === undefined) continue;
    check(`enforcement.${pair.key.text}.check`, text, spanOfValue(rule, 'check'));
  }
}

const SCOPES: readonly string[] = ['all', 'scalar', 'simd', 'converter', 'not_applicable'];

function checkAppliesTo({ obligations, equations }: Contract, diagnostics: FileDiagnostics): void {
  const known = [...SCOPES, ...equations.map(({ name }) => name)];
  for (const { handle, appliesTo, node } of obligations) {
    if (appliesTo === undefined || known.includes(appliesTo)) continue;
    const message = `${handle} applies to "${appliesTo}"; that is neither an equation of the file nor one of ${SCOPES.join(', ')}`;
    diagnostics.add('PV-037', message, spanOfValue(node, 'applies_to'), { didYouMean: nearest(appliesTo, known) });
  }
}
