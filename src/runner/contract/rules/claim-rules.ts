// Our rules about a single falsification test: can it be addressed, can it fail, is its status a word that means
// something. Whether its links lead anywhere is in link-rules.ts.
import { spanOfKey, spanOfPair, spanOfValue, startOf, type FileDiagnostics } from '../file-diagnostics.ts';
import { TEST_COMMAND, TEST_STATUS } from '../keys.ts';
import { LEVELS, type Claim, type Contract } from '../model.ts';
import { nearest } from '../../../near-miss.ts';
import { asMap, asText, findAnyPair, findNode, findPair, type YamlMap } from '../yaml/yaml-node.ts';

export function checkClaims(contract: Contract, diagnostics: FileDiagnostics): void {
  checkFileName(contract, diagnostics);
  for (const claim of contract.claims) {
    checkId(claim, diagnostics);
    checkStatus(claim, diagnostics);
    checkSelfReference(contract, claim, diagnostics);
    if (claim.isBound) checkBound(claim, diagnostics);
  }
  checkSummary(contract, diagnostics);
}

/** Controls, blanks other than the common one, and what cannot be seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

function checkId({ id, node, isBound }: Claim, diagnostics: FileDiagnostics): void {
  const severity = isBound ? 'error' : 'warning';
  const pair = findPair(node, 'id');
  if ((asText(pair?.value) ?? '').trim() === '') {
    const what = pair === undefined ? 'has no id' : 'has an empty id';
    const at = pair === undefined ? startOf(node) : spanOfPair(pair);
    diagnostics.add('PV-022', `a falsification test ${what} (called ${id} here)`, at, { severity });
  } else if (UNSEEN.test(id) || id !== id.trim()) {
    const message = `the id ${JSON.stringify(id)} has characters that cannot be seen`;
    diagnostics.add('PV-022', message, spanOfValue(node, 'id'), { severity });
  }
}

function checkFileName(contract: Contract, diagnostics: FileDiagnostics): void {
  if (contract.fileVersion !== undefined) return;
  const severity = contract.claims.some((claim) => claim.isBound) ? 'error' : 'warning';
  const message = `the file is named ${contract.name}; falsifiers and evidence hang on <stem>-v<n>.yaml`;
  diagnostics.add('PV-023', message, startOf(contract.root), { severity });
}

function checkBound(claim: Claim, diagnostics: FileDiagnostics): void {
  const { node, id } = claim;
  if (findPair(node, 'bar') === undefined && claim.run === undefined) {
    diagnostics.add('PV-050', `${id} has no bar; no measurement can fail it`, spanOfValue(node, 'id'));
  }
  checkBar(claim, diagnostics);
  const oracle = asMap(findNode(node, 'outside_oracle'));
  if (oracle !== undefined && !claim.outsideOracle.possible && (claim.outsideOracle.reason ?? '').trim() === '') {
    const message = `${id} says that no outside oracle is possible, and not why`;
    diagnostics.add('PV-052', message, spanOfKey(oracle, 'possible'));
  }
  if (claim.faults.length === 0) {
    const message = `${id} plants no fault; until one turns it red, its green does not count`;
    diagnostics.add('PV-055', message, spanOfValue(node, 'id'));
  }
}

function checkBar({ node, id }: Claim, diagnostics: FileDiagnostics): void {
  const bar = asMap(findNode(node, 'bar'));
  const threshold = findNode(bar, 'threshold');
  const comparator = asText(findNode(bar, 'comparator'));
  if (bar === undefined || threshold?.kind !== 'scalar' || typeof threshold.value !== 'number') return;
  const at = spanOfValue(bar, 'threshold');
  const { value } = threshold;
  if ((comparator === '>=' && value <= 0) || (comparator === '>' && value < 0)) {
    diagnostics.add('PV-051', `${id}: "${comparator} ${value}" holds for every count and every error`, at);
  } else if ((comparator === '<=' && value < 0) || (comparator === '<' && value <= 0)) {
    diagnostics.add('PV-051', `${id}: "${comparator} ${value}" holds for no count and no error`, at);
  } else if (comparator === '==' && !Number.isInteger(value)) {
    diagnostics.add('PV-051', `${id}: "== ${value}" is failed by rounding alone`, at);
  }
}

/** Words of the original for "not yet" and "not now". */
const NOT_YET =
  /^(?:PLANNED|PENDING|TODO|DRAFT|PROPOSED|LIVE[-_ ](?:PENDING|SMOKE)|BLOCKER[-_ ].*|BLOCKED.*|FULL[-_]VALIDATED|SUPERSEDED|REFUTED)$/i;

function checkStatus({ node, id, status, declaredLevel }: Claim, diagnostics: FileDiagnostics): void {
  if (status === undefined || declaredLevel !== undefined || NOT_YET.test(status.trim())) return;
  const message = `${id}: status "${status}" is not a level; levels are ${LEVELS.join(', ')}`;
  diagnostics.add('PV-053', message, spanOfValue(node, ...TEST_STATUS), {
    didYouMean: nearest(status.toUpperCase(), LEVELS),
  });
}

/** `pv validate <this file>`, as a command or in prose. */
function checkSelfReference(contract: Contract, { node, id, run, test }: Claim, diagnostics: FileDiagnostics): void {
  const command = run?.join(' ') ?? test ?? '';
  if (!/\bpv(?:\.js)?\s+(?:validate|lint)\b/.test(command) || !command.includes(contract.name)) return;
  const pair = run === undefined ? findAnyPair(node, TEST_COMMAND) : findPair(node, 'run');
  const message = `${id} checks its own contract file; that says nothing about the product`;
  diagnostics.add('PV-054', message, pair === undefined ? startOf(node) : spanOfPair(pair));
}

function checkSummary({ root, obligations }: Contract, diagnostics: FileDiagnostics): void {
  const summary = asMap(findNode(root, 'verification_summary'));
  const total = findNode(summary, 'total_obligations');
  if (summary === undefined || total?.kind !== 'scalar' || typeof total.value !== 'number') return;
  const count = obligations.length;
  if (total.value !== count) {
    const message = `verification_summary.total_obligations says ${total.value}, the file has ${count}`;
    diagnostics.add('PV-056', message, total);
  }
  for (const key of ['l2_property_tested', 'l3_kani_proved', 'l4_lean_proved', 'proven', 'tested']) {
    reportExcess(summary, key, count, diagnostics);
  }
}

function reportExcess(summary: YamlMap, key: string, count: number, diagnostics: FileDiagnostics): void {
  const node = findNode(summary, key);
  if (node?.kind !== 'scalar' || typeof node.value !== 'number' || node.value <= count) return;
  diagnostics.add('PV-056', `verification_summary.${key} says ${node.value} of ${count} obligations`, node);
}
