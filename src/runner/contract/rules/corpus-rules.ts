// What only all contracts together can show: ids used twice, withdrawn ids used again, dependency circles. The answers
// do not depend on the order in which files were read.
import { compareText } from '../diagnostic.ts';
import type { Findings, Span } from '../findings.ts';
import { relatedAt, spanOfValue } from '../findings.ts';
import type { Contract } from '../model.ts';
import { asText } from '../yaml-node.ts';
import { dependencyItems } from './link-rules.ts';

interface Use {
  contract: Contract;
  span: Span;
}

/** `contracts`: every one that can be seen, also those that are not being judged. */
export class CorpusIndex {
  readonly #uses = new Map<string, Use[]>();
  readonly #retired = new Map<string, Use>();
  readonly #byName = new Map<string, Contract>();
  readonly #circles = new Map<string, readonly string[]>();

  constructor(contracts: readonly Contract[]) {
    // By path, so that "the first one" is the same one however the files were given.
    for (const contract of contracts.toSorted((a, b) => compareText(a.path, b.path))) {
      if (!this.#byName.has(contract.name)) this.#byName.set(contract.name, contract);
      for (const { id, node } of contract.claims) {
        const uses = this.#uses.get(id) ?? [];
        uses.push({ contract, span: spanOfValue(node, 'id') });
        this.#uses.set(id, uses);
      }
      for (const { id, node } of contract.retired) {
        if (!this.#retired.has(id)) this.#retired.set(id, { contract, span: spanOfValue(node, 'id') });
      }
    }
  }

  get contractNames(): ReadonlySet<string> {
    return new Set(this.#byName.keys());
  }

  checkIds(contract: Contract, findings: Findings): void {
    for (const { id, node } of contract.claims) {
      const uses = this.#uses.get(id) ?? [];
      const other = uses.find((use) => use.contract !== contract);
      // Twice in this file is SCHEMA-007.
      if (other !== undefined) {
        const related = relatedAt(other.contract, other.span, 'the other one');
        const message = `${id} is also a falsification test of ${other.contract.name}; an id names one claim`;
        findings.add('PV-020', message, spanOfValue(node, 'id'), { related });
      }
      const retired = this.#retired.get(id);
      if (retired !== undefined) {
        const related = relatedAt(retired.contract, retired.span, 'withdrawn here');
        findings.add('PV-021', `${id} was withdrawn; a new claim needs a new id`, spanOfValue(node, 'id'), { related });
      }
    }
    checkObligationIds(contract, findings);
  }

  checkCircles(contract: Contract, findings: Findings): void {
    for (const item of dependencyItems(contract)) {
      const circle = this.#pathBack(asText(item) ?? '', contract.name);
      if (circle === undefined) continue;
      const text = [contract.name, ...circle].join(' → ');
      findings.add('PV-032', circle.length === 1 ? `${contract.name} depends on itself` : `circle: ${text}`, item);
    }
  }

  /** Shortest way along depends_on from one contract to another, both included; by name where ways are equally long. */
  #pathBack(from: string, to: string): readonly string[] | undefined {
    const key = `${from} ${to}`;
    const known = this.#circles.get(key);
    if (known !== undefined) return known.length === 0 ? undefined : known;
    const cameFrom = new Map<string, string | undefined>([[from, undefined]]);
    const queue = [from];
    for (let name = queue.shift(); name !== undefined && !cameFrom.has(to); name = queue.shift()) {
      for (const next of (this.#byName.get(name)?.metadata.dependsOn ?? []).toSorted(compareText)) {
        if (cameFrom.has(next)) continue;
        cameFrom.set(next, name);
        queue.push(next);
      }
    }
    const path: string[] = [];
    for (let name = cameFrom.has(to) ? to : undefined; name !== undefined; name = cameFrom.get(name))
      path.unshift(name);
    this.#circles.set(key, path);
    return path.length === 0 ? undefined : path;
  }
}

function checkObligationIds(contract: Contract, findings: Findings): void {
  const firstById = new Map<string, Span>();
  for (const { id, node } of contract.obligations) {
    if (id === undefined) continue;
    const at = spanOfValue(node, 'id');
    const first = firstById.get(id);
    if (first === undefined) firstById.set(id, at);
    else
      findings.add('PV-020', `${id} names two obligations`, at, {
        related: relatedAt(contract, first, 'the first one'),
      });
  }
}
