// Contracts of every layout that people write: block and flow items, any quotes, comments, blank lines, CRLF; and the
// edits that pv makes in them. Used by the falsifier of evidence-integrity-v1 and by the test of the editor.
import fc, { type Arbitrary } from 'fast-check';
import type { ContractEdit } from '../../src/runner/contract/edit.ts';
import { EVIDENCE_KEYS } from '../../src/runner/contract/model.ts';

const word = fc.constantFrom('rounding', "it's", 'a: b', 'ρ ≤ 1', 'x # y', '- z', '', '1e-6', 'null', 'say "no"');
const remark = fc.constantFrom('', '', ' # remark', '   # FALSIFY-X-9: {not, yaml');
const gap = fc.constantFrom('', '', '\n', '    # between keys\n', '# at the margin\n\n');

function quote(text: string, style: number): string {
  return style === 0 ? JSON.stringify(text) : `'${text.replaceAll("'", "''")}'`;
}

const scalarText = fc.tuple(word, fc.nat(1)).map(([text, style]) => quote(text, style));
const blockValue = fc.oneof(
  fc.tuple(scalarText, remark).map(([text, comment]) => ` ${text}${comment}\n`),
  fc.constantFrom(
    ' |\n      two\n\n      lines\n',
    ' >-\n      folded\n      text\n\n',
    '\n',
    ' |+\n      kept\n\n',
    ' a plain\n      text\n',
  ),
);
const evidenceValue = fc.constantFrom(
  ' "one sentence"\n',
  '\n      - "a"\n      # remark\n      - "b" # c\n',
  '\n    - "flush list"\n',
  '\n      status: pass\n      test_locations: [a, b]\n',
  `\n      receipt: old.json\n      digest: 'sha256:1' # d\n      figure: "0"\n`,
  ' {receipt: r, digest: d, figure: "f"}\n',
  ' []\n',
  '\n',
);
const blockItem = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom('rule', 'prediction', 'if_fails', 'fails_if', 'note'), blockValue, gap), {
      maxLength: 4,
    }),
    fc.option(fc.tuple(fc.constantFrom(...EVIDENCE_KEYS), evidenceValue)),
    fc.option(scalarText),
  )
  .map(([keys, evidence, status]) => (id: string) => {
    const lines = [`id: ${id}\n`];
    const seen = new Set<string>();
    for (const [key, value, before] of keys) {
      if (seen.has(key)) continue;
      seen.add(key);
      lines.push(`${before}    ${key}:${value}`);
    }
    if (status !== null) lines.push(`    status: ${status}\n`);
    if (evidence !== null) lines.push(`    ${evidence[0]}:${evidence[1]}`);
    return `  - ${lines.join('')}`;
  });
const flowItem = fc
  .tuple(fc.option(scalarText), fc.option(scalarText), fc.boolean())
  .map(([ifFails, status, isWide]) => (id: string) => {
    const keys = [`id: ${id}`];
    if (ifFails !== null) keys.push(`if_fails: ${ifFails}`);
    if (status !== null) keys.push(`status: ${status}`);
    return isWide ? `  - {\n      ${keys.join(',\n      ')} }\n` : `  - { ${keys.join(', ')}}\n`;
  });
const changelog = fc.constantFrom(
  '',
  '  changelog:\n',
  '  changelog: []\n',
  '  changelog:\n  - "flush"\n',
  "  changelog:\n    - '1.0.0: a' # c\n    - plain text\n      over lines\n",
  '  changelog:\n    - |\n      text\n      more\n',
  '  changelog: |\n    old line\n',
);
const contractText = fc
  .record({
    version: fc.constantFrom('"1.0.0"', "'1.0.0'", '1.0.0  # v'),
    changelog,
    items: fc.array(fc.tuple(gap, fc.oneof({ arbitrary: blockItem, weight: 3 }, { arbitrary: flowItem, weight: 1 })), {
      minLength: 1,
      maxLength: 4,
    }),
    tail: fc.constantFrom('', '# end\n', 'qa_gate: {id: F-1}\n', '\n\nretired: []\n'),
    isCrlf: fc.boolean(),
    endsInNewline: fc.boolean(),
  })
  .map(({ version, changelog: log, items, tail, isCrlf, endsInNewline }) => {
    const tests = items.map(([before, item], index) => `${before}${item(`T-${index}`)}`).join('');
    const text = `metadata:\n  version: ${version}\n${log}  # m\nfalsification_tests:\n${tests}${tail}`;
    const ended = endsInNewline ? text : text.replace(/\n+$/, '');
    return { text: isCrlf ? ended.replaceAll('\n', '\r\n') : ended, isCrlf, count: items.length };
  });
const entry = fc.record({
  receipt: fc.constant('evidence/x/T/cpu.json'),
  digest: fc.constant('sha256:ab'),
  figure: word,
});
const editOf = (count: number): Arbitrary<ContractEdit> =>
  fc.oneof(
    fc.record({
      kind: fc.constant('status' as const),
      id: fc.nat(count - 1).map((index) => `T-${index}`),
      status: fc.constantFrom('NONE', 'DISCHARGED', 'FUNCTIONAL'),
    }),
    fc.record({
      kind: fc.constant('evidence' as const),
      id: fc.nat(count - 1).map((index) => `T-${index}`),
      key: fc.constantFrom(...EVIDENCE_KEYS),
      entries: fc.array(entry, { maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant('version' as const), version: fc.constantFrom('1.1.0', '2.0.0') }),
    fc.record({ kind: fc.constant('changelog' as const), line: fc.constantFrom('1.1.0: new', 'plain words', "it's") }),
  );
export interface StyledEdit {
  contract: { text: string; isCrlf: boolean; count: number };
  edit: ContractEdit;
}

export const styledEdits: Arbitrary<StyledEdit> = contractText.chain((contract) =>
  fc.record({ contract: fc.constant(contract), edit: editOf(contract.count) }),
);
