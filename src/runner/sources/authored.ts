// A contract as its author left it, without what `pv` writes there. Receipts pin this text: otherwise a new level
// would make the very receipt stale from which it was derived.
import { readFileSync } from 'node:fs';
import { EVIDENCE_KEYS } from '../contract/model.ts';
import { toValue, type PlainValue } from '../contract/yaml/yaml-node.ts';
import { readYaml } from '../contract/yaml/read-yaml.ts';
import { digestOf, type Digest } from './digest.ts';

const METADATA_KEYS: readonly string[] = ['version', 'changelog'];
const TEST_KEYS: readonly string[] = ['status', ...EVIDENCE_KEYS];

/** Whether a data file is a contract of the project; `name` is relative to its root, with `/`. */
export function isContractName(name: string): boolean {
  return /^contracts\/.*\.ya?ml$/.test(name);
}

/** The same for the same statements, whatever level `pv` has written. A file that is not YAML counts as its bytes. */
export function authoredDigest(path: string): Digest {
  const text = readFileSync(path, 'utf8');
  const { root } = readYaml(text);
  if (root === undefined) return digestOf(text);
  const contract = toValue(root);
  if (!isMap(contract)) return digestOf(text);
  const { metadata, falsification_tests: tests } = contract;
  const authored: PlainValue = {
    ...contract,
    ...(isMap(metadata) ? { metadata: without(metadata, METADATA_KEYS) } : {}),
    ...(Array.isArray(tests)
      ? { falsification_tests: tests.map((test) => (isMap(test) ? without(test, TEST_KEYS) : test)) }
      : {}),
  };
  // Not canonicalJson, which refuses the .nan and .inf that YAML can say.
  return digestOf(
    JSON.stringify(authored, (_key, value: unknown) => (typeof value === 'number' ? String(value) : value)),
  );
}

type JsonMap = { [key: string]: PlainValue };

function isMap(value: PlainValue | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function without(map: JsonMap, keys: readonly string[]): JsonMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}
