// Which section of a contract a value would be, told by what it holds: for sections under a wrong name or in a wrong
// place, where everything in them would be unread.
import { asText, findNode, findPair, type YamlMap, type YamlNode } from '../yaml/yaml-node.ts';

const TESTS = 'falsification_tests';

/** Keys that only entries of this section have; the first section that fits. */
const ENTRY_KEYS: readonly (readonly [section: string, keys: readonly string[]])[] = [
  [TESTS, ['prediction', 'expected', 'if_fails', 'fails_if', 'bar', 'falsification_test', 'if_test_fails']],
  ['kani_harnesses', ['harness', 'obligation', 'solver', 'strategy']],
  ['proof_obligations', ['property', 'formal']],
  ['equations', ['formula']],
];
const GATE_KEYS = ['checks', 'pass_criteria'];

/** The name of the section, if it is one. */
export function sectionHeld(value: YamlNode): string | undefined {
  const entries = entriesOf(value);
  if (entries.some((entry) => asText(findNode(entry, 'id'))?.startsWith('FALSIFY-') === true)) return TESTS;
  const found = ENTRY_KEYS.find(([, keys]) => entries.some((entry) => hasAny(entry, keys)));
  if (found !== undefined) return found[0];
  return value.kind === 'map' && hasAny(value, GATE_KEYS) ? 'qa_gate' : undefined;
}

/** Of a list, or of a map of names. */
function entriesOf(value: YamlNode): YamlMap[] {
  if (value.kind === 'scalar') return [];
  const nodes = value.kind === 'seq' ? value.items : value.pairs.map((pair) => pair.value);
  return nodes.filter((node) => node.kind === 'map');
}

function hasAny(map: YamlMap, keys: readonly string[]): boolean {
  return keys.some((key) => findPair(map, key) !== undefined);
}
