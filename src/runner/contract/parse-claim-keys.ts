// The keys of a falsification test that decide its verdict and its level: bar, executors, levels, evidence.
import type { Bar, Comparator } from './bar.ts';
import { DISCHARGE_EVIDENCE } from './keys.ts';
import { CLAIM_EXECUTORS, LEVELS } from './model.ts';
import type { Claim, ClaimExecutor, DeclaredEvidence, EvidenceEntry, Level, RequiredLevel } from './model.ts';
import { asMap, asText, asTexts, findAnyNode, findNode, type YamlMap, type YamlNode } from './yaml/yaml-node.ts';

const COMPARATORS: readonly Comparator[] = ['<=', '<', '>=', '>', '=='];
const DEFAULT_REQUIRED_LEVEL: RequiredLevel = 'FUNCTIONAL';

/** The bar, when every part of it is there and of its type. */
export function parseBar(map: YamlMap | undefined): Bar | undefined {
  const threshold = findNode(map, 'threshold');
  const comparator = COMPARATORS.find((candidate) => candidate === asText(findNode(map, 'comparator')));
  const [metric, unit, basis] = ['metric', 'unit', 'basis'].map((key) => asText(findNode(map, key)));
  if (threshold?.kind !== 'scalar' || typeof threshold.value !== 'number') return undefined;
  if (comparator === undefined || metric === undefined || unit === undefined || basis === undefined) return undefined;
  return { metric, comparator, threshold: threshold.value, unit, basis };
}

export function parseRequiredLevel(node: YamlNode | undefined): RequiredLevel {
  const level = LEVELS.find((candidate) => candidate === asText(node));
  return level === undefined || level === 'NONE' ? DEFAULT_REQUIRED_LEVEL : level;
}

/** Words that were used for a level: ours, the short form, and the original's variants of DISCHARGED. */
export function parseDeclaredLevel(word: string): Level | undefined {
  const normal = word.trim().toUpperCase().replaceAll(/[ -]/g, '_');
  if (normal === 'PARTIAL') return 'PARTIAL_ALGORITHM_LEVEL';
  if (/^(FULLY?_|LIVE_|STRUCTURALLY_)?DISCHARGED?$/.test(normal)) return 'DISCHARGED';
  return LEVELS.find((level) => level === normal);
}

export function parseExecutors(node: YamlNode | undefined): ClaimExecutor[] {
  const named = asTexts(node);
  const known = CLAIM_EXECUTORS.filter((executor) => named.includes(executor));
  return known.length === 0 ? ['cpu'] : known;
}

export function parseEvidence(test: YamlMap): Claim['evidence'] {
  const algorithm = declaredEvidence(findNode(test, 'algorithm_evidence'));
  const functional = declaredEvidence(findNode(test, 'functional_evidence'));
  const discharge = declaredEvidence(findAnyNode(test, DISCHARGE_EVIDENCE));
  return {
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(functional === undefined ? {} : { functional }),
    ...(discharge === undefined ? {} : { discharge }),
  };
}

function declaredEvidence(node: YamlNode | undefined): DeclaredEvidence | undefined {
  if (node === undefined) return undefined;
  const evidence: DeclaredEvidence = { entries: [], prose: [] };
  for (const item of node.kind === 'seq' ? node.items : [node]) {
    const entry = evidenceEntry(asMap(item));
    if (entry === undefined) evidence.prose.push(...proseOf(item));
    else evidence.entries.push(entry);
  }
  return evidence;
}

function evidenceEntry(map: YamlMap | undefined): EvidenceEntry | undefined {
  const [receipt, digest, figure] = ['receipt', 'digest', 'figure'].map((key) => asText(findNode(map, key)));
  return receipt === undefined || digest === undefined ? undefined : { receipt, digest, figure: figure ?? '' };
}

/** Every text in a value, in order: people wrote sentences, lists of them, and maps of lists. */
function proseOf(node: YamlNode): string[] {
  if (node.kind === 'scalar') return asTexts(node);
  return node.kind === 'seq' ? node.items.flatMap(proseOf) : node.pairs.flatMap((pair) => proseOf(pair.value));
}
