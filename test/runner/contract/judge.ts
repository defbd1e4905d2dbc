// A clean contract to break, and the rules applied to texts at hand. Used by the tests of this folder.
import {
  readContractText,
  validateContracts,
  type Contract,
  type Diagnostic,
  type Validation,
} from '../../../src/runner/contract/index.ts';
import type { ValidationInput } from '../../../src/runner/contract/index.ts';

export const CLEAN = `metadata:
  version: "1.0.0"
  description: "A clean contract"
  references: ["A paper (2017)"]
  depends_on: []
equations:
  scale:
    formula: "y = a x"
proof_obligations:
  - id: OB-1
    type: bound
    property: "close to the reference"
    formal: "|y - r| <= b"
falsification_tests:
  - id: FALSIFY-X-001
    rule: "close"
    prediction: "no output differs"
    if_fails: "the scale is wrong"
    binds_to: scale
    bar: {metric: wrong, comparator: "<=", threshold: 0, unit: outputs, basis: "exact"}
    faults: [scale-doubled]
    outside_oracle: {possible: false, reason: "nothing outside computes it"}
kani_harnesses:
  - id: KANI-X-001
    obligation: OB-1
    bound: 8
qa_gate:
  id: F-X-001
  checks: [FALSIFY-X-001]
`;

const CLEAN_MODULE = `export const falsifiers = { 'FALSIFY-X-001': { faults: [{ id: 'scale-doubled' }] } };`;

/** `text` with the one place of `from` replaced. */
export function broken(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`"${from}" stands ${text.split(from).length - 1} times`);
  return text.replace(from, () => to);
}

export interface JudgeOptions {
  /** Path of the text. */
  path?: string;
  /** Other contracts: path to text. */
  context?: Readonly<Record<string, string>>;
  /** Module name to text. */
  modules?: Readonly<Record<string, string>>;
  deriveLevel?: ValidationInput['deriveLevel'];
}

export function contractOf(path: string, source: string): Contract {
  const reading = readContractText(path, source);
  if (reading.kind !== 'contract') throw new Error(`${path} is ${reading.kind}`);
  return reading.contract;
}

export function judge(source: string, options: JudgeOptions = {}): Validation {
  const { path = 'contracts/x-v1.yaml', context = {}, modules = { 'x-v1': CLEAN_MODULE }, deriveLevel } = options;
  return validateContracts({
    contracts: [contractOf(path, source)],
    context: Object.entries(context).map(([name, text]) => contractOf(name, text)),
    falsifierText: (name) => modules[name],
    ...(deriveLevel === undefined ? {} : { deriveLevel }),
  });
}

/** `CODE severity line:column`, one for each finding. */
export function brief({ code, severity, line, column }: Diagnostic): string {
  return `${code} ${severity} ${line}:${column}`;
}

export function briefly(source: string, options: JudgeOptions = {}): string[] {
  return judge(source, options).diagnostics.map(brief);
}
