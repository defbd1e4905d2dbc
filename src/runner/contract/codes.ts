// Every code that `pv validate` can print, with its severity and one sentence for people. SCHEMA-001…023 mean what
// they mean in the original tool, with its severities; PV-… and LVL-… are ours. A code never changes its meaning.
import type { Severity } from './diagnostic.ts';

const ERRORS = {
  'SCHEMA-001': 'A contract cites no source.',
  'SCHEMA-002': 'A contract has no version.',
  'SCHEMA-003': 'A kernel contract has no equation.',
  'SCHEMA-004': 'An equation of a kernel contract has no formula.',
  'SCHEMA-005': 'A proof obligation does not say its property.',
  'SCHEMA-007': 'Two falsification tests of a file have the same id.',
  'SCHEMA-008': 'A falsification test predicts nothing, so nothing can contradict it.',
  'SCHEMA-010': 'Two Kani harnesses of a file have the same id.',
  'SCHEMA-011': 'A Kani harness names no obligation.',
  'SCHEMA-014': '`requires` stands on an obligation that is not a postcondition.',
  'SCHEMA-015': '`applies_to_phase` stands on an obligation that is not a loop invariant or variant.',
  'SCHEMA-016': '`parent_contract` stands on an obligation that is not a subcontract.',
  'SCHEMA-017': 'A subcontract names a parent that metadata.depends_on does not list.',
  'SCHEMA-018': '`kind` stands at the top of the file, where it decides nothing.',
  'SCHEMA-019': 'A key at the top of the file is almost the name of a section; what it holds is not read.',
  'SCHEMA-020': 'A key stands twice in one map; readers disagree on which counts.',
  'SCHEMA-021': 'An obligation is not applicable and does not say why.',
  'SCHEMA-022': 'An obligation is not applicable and does not say who decided so.',
  'SCHEMA-023': '`na_reason` or `na_owner` stands on an obligation that does apply.',
  'PV-001': 'The file is not readable as YAML.',
  'PV-002': 'The file is larger, deeper or more entangled than contracts are.',
  'PV-003': 'A value is of the wrong type.',
  'PV-004': 'A value is not one of those allowed.',
  'PV-005': 'A key that is needed is missing.',
  'PV-012': '`<<` merges nothing: contracts are YAML 1.2, which has no merge keys.',
  'PV-013': 'A digest is not text: what YAML reads as a number loses digits.',
  'PV-020': 'An id is used more than once.',
  'PV-021': 'The id of a withdrawn claim is used again.',
  'PV-030': 'binds_to names no equation of the file.',
  'PV-031': 'depends_on names no contract.',
  'PV-032': 'Contracts depend on each other in a circle, so that none can be met first.',
  'PV-040': 'The module of a falsifier is missing.',
  'PV-041': 'The module of a falsifier does not have the claim.',
  'PV-042': 'A planted fault is not in the module of the falsifier.',
  'PV-050': 'A claim that is run has no bar, so no measurement can fail it.',
  'PV-052': 'A claim says that nothing outside can judge it, and not why.',
  'LVL-001': 'A contract claims a higher level than its evidence supports.',
} as const;

const WARNINGS = {
  'SCHEMA-006': 'Two proof obligations have the same formal text.',
  'SCHEMA-009': 'A falsification test does not say what its failure means.',
  'SCHEMA-012': 'A Kani harness has no unwind bound.',
  'SCHEMA-013': 'A kernel contract has no qa_gate.',
  'PV-006': 'metadata.version is not a semantic version, so it cannot be moved.',
  'PV-007': 'A contract does not say what it is about.',
  'PV-010': 'A key is unknown: kept, but nothing reads it. An error where a verdict depends on its neighbours.',
  'PV-011': 'Claims stand where nothing is run. An error where they are falsification tests, obligations or harnesses.',
  'PV-014': 'A number is not written in decimal digits. An error where a verdict depends on it.',
  'PV-015': 'A text ends at a # that begins a comment.',
  'PV-016': 'A name is text to YAML 1.2 and something else to YAML 1.1.',
  'PV-022': 'A falsification test has no usable id. An error where it is meant to be run.',
  'PV-024': 'A file is named like a contract and is none.',
  'PV-033': 'A proof obligation has no falsification test.',
  'PV-034': 'A Kani harness is for an obligation that the file does not have.',
  'PV-035': 'A contract has no falsification test, so nothing in it can be refuted.',
  'PV-036': 'A gate or a rule names a test that the file does not have.',
  'PV-037': 'A proof obligation applies to nothing that is known.',
  'PV-023': 'A file is not named <stem>-v<n>.yaml. An error where falsifiers and evidence hang on the name.',
  'PV-051': 'A bar is of a kind that hardly anything can fail, or that rounding alone fails.',
  'PV-053': 'A status is neither a level nor a known word for "not yet".',
  'PV-054': 'A test checks its own contract file, which says nothing about the product.',
  'PV-055': 'A claim that is run plants no fault, so that its green never counts.',
  'PV-056': 'A hand-typed count differs from the file.',
} as const;

export type Code = keyof typeof ERRORS | keyof typeof WARNINGS;

/** Unless a rule says otherwise for a place; PV-010, PV-022 and PV-023 say when in their titles. */
export function severityOf(code: Code): Severity {
  return code in ERRORS ? 'error' : 'warning';
}

/** One general sentence for each code; a diagnostic says what is wrong at one place. */
export const CODE_TITLES: Readonly<Record<Code, string>> = { ...ERRORS, ...WARNINGS };
