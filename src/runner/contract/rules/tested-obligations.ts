// Which obligations the tests of a contract are about. The original gives neither side a link, only words, so three
// ways are followed, the surest first.
import { TEST_OBLIGATION } from '../keys.ts';
import type { Claim, Contract, Obligation } from '../model.ts';
import { asText, asTexts, findAnyNode, findNode, type YamlNode } from '../yaml/yaml-node.ts';
import { obligationNames } from './obligation-names.ts';

/**
 * A test is about an obligation where it names it, or has its property as rule (one of the two texts within the other).
 * A test that is so about none is about those that apply to the equation it binds to, else about one that speaks of the
 * same thing. One only: a file with fewer tests than obligations leaves some untested, however alike the words are.
 */
export function testedObligations({ claims, obligations }: Contract): Set<Obligation> {
  const isAbout = aboutIn(obligations);
  const tested = new Set<Obligation>();
  const free: Claim[] = [];
  for (const claim of claims) {
    let about = isAbout(claim);
    if (about.length === 0 && claim.bindsTo !== undefined) {
      about = obligations.filter(({ appliesTo }) => appliesTo === claim.bindsTo);
    }
    for (const obligation of about) tested.add(obligation);
    if (about.length === 0) free.push(claim);
  }
  const left = obligations.filter((obligation) => !tested.has(obligation));
  return tested.union(pairedByWords(left, free));
}

/** Says which obligations a test names or has as rule. */
function aboutIn(obligations: readonly Obligation[]): (claim: Claim) => readonly Obligation[] {
  const named = obligationNames(obligations);
  const byId = Map.groupBy(
    obligations.filter(({ id = '' }) => id !== ''),
    ({ id }) => id,
  );
  const properties = obligations.map(({ property }) => spaced(property));
  return ({ rule, node }) => {
    const asRule = spaced(rule ?? asText(findNode(node, 'name')) ?? '');
    const isRule = (property = ''): boolean =>
      property !== '' && asRule !== '' && (property.includes(asRule) || asRule.includes(property));
    return [
      ...asTexts(findAnyNode(node, TEST_OBLIGATION)).flatMap(named),
      ...(byId.size === 0 ? [] : namesIn(node).flatMap((name) => byId.get(name) ?? [])),
      ...obligations.filter((_, i) => isRule(properties[i])),
    ];
  };
}

/** Lower case, every word between single blanks; nothing where there is none. */
function spaced(text: string): string {
  return text.trim() === '' ? '' : ` ${text.toLowerCase().trim().replaceAll(/\s+/g, ' ')} `;
}

/** All texts below, and every run of characters in them that an id may consist of. */
function namesIn(node: YamlNode): string[] {
  if (node.kind === 'scalar') {
    return typeof node.value === 'string' ? [node.value, ...(node.value.match(/[\w-]+/g) ?? [])] : [];
  }
  return node.kind === 'seq' ? node.items.flatMap(namesIn) : node.pairs.flatMap(({ value }) => namesIn(value));
}

/** Steps of the search for one file, and tests that may change places for one obligation: more than contracts need. */
const MAX_STEPS = 1_000_000;
const MAX_TRIED = 200;

/** The most obligations that can have a test each which speaks of the same thing (augmenting paths). */
function pairedByWords(obligations: readonly Obligation[], claims: readonly Claim[]): Set<Obligation> {
  const tests = claims.map(({ rule, prediction }) => ({ rule: wordsOf(rule), prediction: wordsOf(prediction) }));
  const words = new Map(obligations.map((obligation) => [obligation, wordsOf(obligation.property, obligation.formal)]));
  const paired = new Map<(typeof tests)[number], Obligation>();
  let steps = 0;
  const find = (obligation: Obligation, tried: Set<(typeof tests)[number]>): boolean => {
    const own = words.get(obligation) ?? new Set();
    for (const test of tests) {
      steps += 1;
      if (steps > MAX_STEPS || tried.size > MAX_TRIED) return false;
      // A single word of a whole sentence says little.
      const isAlike = !test.rule.isDisjointFrom(own) || test.prediction.intersection(own).size > 1;
      if (!isAlike || tried.has(test)) continue;
      tried.add(test);
      const before = paired.get(test);
      if (before !== undefined && !find(before, tried)) continue;
      paired.set(test, obligation);
      return true;
    }
    return false;
  };
  for (const obligation of obligations) find(obligation, new Set());
  return new Set(paired.values());
}

const COMMON: ReadonlySet<string> = new Set('and any are for from has not the all each every with within'.split(' '));

/** By their first letters without a plural's s, so that "normalizes" is what "normalization" is, and "sums" "sum". */
function wordsOf(...texts: readonly (string | undefined)[]): Set<string> {
  const words =
    texts
      .join(' ')
      .toLowerCase()
      .match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  return new Set(words.filter((word) => !COMMON.has(word)).map((word) => word.slice(0, 5).replace(/s$/, '')));
}
