// What only all contracts together can show: ids used twice, withdrawn ids used again, links to other contracts,
// circles. Keeps places and names, no trees, so that thousands of contracts fit; the answers do not depend on the
// order of files.
import { compareText, type Diagnostic } from '../diagnostic.ts';
import { diagnosticAt, placeOf, relatedAt, spanOfValue, type Place } from '../file-diagnostics.ts';
import type { Contract } from '../model.ts';
import { nearest } from '../../../near-miss.ts';
import { asMap, asText, findNode, itemsOf, type YamlMap } from '../yaml/yaml-node.ts';
import { circlesOf, shortestRound } from './circles.ts';
import type { LinkCounts } from './link-rules.ts';

interface Named {
  name: string;
  place: Place;
}

/** What is kept of a contract. */
interface Summary {
  name: string;
  stem: string;
  path: string;
  claims: Named[];
  retired: Named[];
  dependencies: Named[];
}

interface Use {
  contract: Summary;
  place: Place;
}

export class CorpusIndex {
  readonly #judged: Summary[] = [];
  readonly #context: Summary[] = [];
  #uses = new Map<string, Use[]>();
  #retired = new Map<string, Use>();
  #byName = new Map<string, Summary>();
  #byStem = new Map<string, Summary>();
  #edges = new Map<Summary, Summary[]>();

  /** A contract that is judged. */
  add(contract: Contract): void {
    this.#judged.push(summarise(contract));
  }

  /** A contract that can be seen from those that are judged. */
  addContext(contract: Contract): void {
    this.#context.push(summarise(contract));
  }

  check(counts: LinkCounts): Diagnostic[] {
    this.#index();
    return [
      ...this.#judged.flatMap((contract) => [
        ...this.#checkIds(contract),
        ...this.#checkDependencies(contract, counts),
      ]),
      ...this.#checkCircles(),
    ];
  }

  #index(): void {
    // By path, so that "the other one" is the same one however the files were given.
    for (const contract of [...this.#judged, ...this.#context].toSorted((a, b) => compareText(a.path, b.path))) {
      if (!this.#byName.has(contract.name)) this.#byName.set(contract.name, contract);
      if (!this.#byStem.has(contract.stem)) this.#byStem.set(contract.stem, contract);
      for (const { name, place } of contract.claims) {
        const uses = this.#uses.get(name);
        if (uses === undefined) this.#uses.set(name, [{ contract, place }]);
        else uses.push({ contract, place });
      }
      for (const { name, place } of contract.retired) {
        if (!this.#retired.has(name)) this.#retired.set(name, { contract, place });
      }
    }
  }

  /** By file name without extension, as the original has it, or by the bare stem. */
  #resolve(name: string): Summary | undefined {
    return this.#byName.get(name) ?? this.#byStem.get(name);
  }

  #checkIds(contract: Summary): Diagnostic[] {
    return contract.claims.flatMap(({ name: id, place }) => {
      const found: Diagnostic[] = [];
      // Twice in one file is SCHEMA-007.
      const other = this.#uses.get(id)?.find((use) => use.contract !== contract);
      if (other !== undefined) {
        const message = `${id} is also a falsification test of ${other.contract.name}; an id names one claim`;
        found.push(diagnosticAt('PV-020', message, place, { related: relatedAt(other.place, 'the other one') }));
      }
      const retired = this.#retired.get(id);
      if (retired !== undefined) {
        const message = `${id} was withdrawn; a new claim needs a new id`;
        found.push(diagnosticAt('PV-021', message, place, { related: relatedAt(retired.place, 'withdrawn here') }));
      }
      return found;
    });
  }

  #checkDependencies(contract: Summary, counts: LinkCounts): Diagnostic[] {
    return contract.dependencies.flatMap(({ name, place }) => {
      counts.depends_on.total += 1;
      const target = this.#resolve(name);
      if (target === undefined) {
        const others = [...this.#byName.keys()].filter((other) => other !== contract.name);
        const didYouMean = nearest(name.replace(/\.ya?ml$/, ''), others);
        const message = `depends_on names ${JSON.stringify(name)}; there is no such contract`;
        return [diagnosticAt('PV-031', message, place, { didYouMean })];
      }
      counts.depends_on.resolved += 1;
      return [];
    });
  }

  /** One diagnostic for each circle, in the first of its contracts that is judged. */
  #checkCircles(): Diagnostic[] {
    const edges = (contract: Summary): Summary[] => {
      const known = this.#edges.get(contract) ?? this.#targetsOf(contract);
      this.#edges.set(contract, known);
      return known;
    };
    const judged = this.#judged.toSorted((a, b) => compareText(a.path, b.path));
    return circlesOf(judged, edges).flatMap((circle) => {
      const first = judged.find((contract) => circle.has(contract));
      if (first === undefined) return [];
      const round = shortestRound(first, (contract) => edges(contract).filter((next) => circle.has(next)));
      const item = first.dependencies.find(({ name }) => this.#resolve(name) === round[0]);
      if (item === undefined) return [];
      const message =
        round.length === 1 ? `${first.name} depends on itself` : `circle: ${circleText([first, ...round])}`;
      return [diagnosticAt('PV-032', message, item.place)];
    });
  }

  #targetsOf(contract: Summary): Summary[] {
    return contract.dependencies
      .map(({ name }) => this.#resolve(name))
      .filter((target) => target !== undefined)
      .toSorted((a, b) => compareText(a.name, b.name));
  }
}

/** Names along a circle; of a long one, both ends. */
function circleText(round: readonly Summary[]): string {
  const names = round.map(({ name }) => name);
  const shown = names.length <= 8 ? names : [...names.slice(0, 4), `… ${names.length - 6} more …`, ...names.slice(-2)];
  return shown.join(' → ');
}

function summarise(contract: Contract): Summary {
  const named = (id: string, node: YamlMap): Named => ({ name: id, place: placeOf(contract, spanOfValue(node, 'id')) });
  const dependsOn = itemsOf(findNode(asMap(findNode(contract.root, 'metadata')), 'depends_on'));
  return {
    name: contract.name,
    stem: contract.stem,
    path: contract.path,
    claims: contract.claims.map(({ id, node }) => named(id, node)),
    retired: contract.retired.map(({ id, node }) => named(id, node)),
    dependencies: dependsOn.map((item) => ({ name: asText(item) ?? '', place: placeOf(contract, item) })),
  };
}
