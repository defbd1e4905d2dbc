// What a receipt depends on, as a flat map name -> digest. The same function makes the pins of a new receipt and the
// present ones that a receipt is compared with, so fresh means: nothing that was looked at has changed since.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sha256File } from '../../engine/io/index.ts';
import type { Claim } from '../contract/model.ts';
import { formatNumber, type Bar } from '../contract/bar.ts';
import { isFetchedModel } from '../run/model-places.ts';
import { promisedOn } from '../level/types.ts';
import type { TouchedInputs } from '../run/protocol.ts';
import { authoredDigest, isContractName } from '../sources/authored.ts';
import { ClosureScanner, nameOfFile } from '../sources/closure.ts';
import { digestOf, digestOfFile, digestOfJson, type Digest, type Json } from '../sources/digest.ts';
import { entriesOf, limitsOf } from '../sources/entries.ts';
import { PackageLock } from '../sources/packages.ts';

/** Moves when verdicts or receipts of the harness mean something else than before; then every receipt is stale. */
const HARNESS_VERSION = '1';

/** `absent`: named, and not there. `unchecked`: fetched, not committed, and not there; it cannot be compared here. */
export type PinValue = Digest | 'absent' | 'unchecked';
/** `claim`, `bar`, `harness`, `file:…`, `package:…`, `model:…`, `data:…`. */
export type Pins = Record<string, PinValue>;

export interface PinnedInputs {
  claim: Claim;
  /** That the claim is run on: what it says of others does not count. */
  executor: string;
  bar: Bar;
  /** Absolute path of the falsifier module; null for a `run:` claim. */
  module: string | null;
  touched: TouchedInputs;
  /** Pins of the receipt that is to be compared: what has been added to a table since does not count. */
  recorded?: Readonly<Pins>;
}

/** Reads every file at most once; make a new one to see the files anew. */
export class PinReader {
  readonly #root: string;
  readonly #scanner = new ClosureScanner();
  readonly #lock: PackageLock;
  readonly #data = new Map<string, PinValue>();
  readonly #models = new Map<string, Promise<PinValue>>();

  constructor(root: string) {
    this.#root = root;
    this.#lock = new PackageLock(root);
  }

  async read({ claim, executor, bar, module, touched, recorded }: PinnedInputs): Promise<Pins> {
    const pins: Pins = {
      claim: digestOfJson(claimContent(claim, executor)),
      bar: digestOfJson(barContent(bar)),
      harness: digestOf(HARNESS_VERSION),
    };
    const closure = await this.#scanner.closureOf(entriesOf(module, touched), {
      ...limitsOf(executor, touched),
      isKnown: (path) => recorded === undefined || Object.hasOwn(recorded, `file:${nameOfFile(path, this.#root)}`),
    });
    for (const [path, digest] of closure.files) pins[`file:${nameOfFile(path, this.#root)}`] = digest ?? 'absent';
    for (const name of new Set([...closure.packages, ...touched.packages])) {
      pins[`package:${name}`] = this.#lock.digestOf(name) ?? 'absent';
    }
    for (const name of touched.data) pins[`data:${name}`] = this.#digestOfData(name);
    for (const name of touched.models) pins[`model:${name}`] = await this.#model(name);
    return pins;
  }

  #digestOfData(name: string): PinValue {
    const digest = this.#data.get(name) ?? digestOfData(this.#root, name) ?? 'absent';
    this.#data.set(name, digest);
    return digest;
  }

  #model(name: string): Promise<PinValue> {
    const known = this.#models.get(name) ?? this.#hashModel(name);
    this.#models.set(name, known);
    return known;
  }

  async #hashModel(name: string): Promise<PinValue> {
    const path = resolve(this.#root, name);
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return isFetchedModel(name) ? 'unchecked' : 'absent';
    return `sha256:${await sha256File(path)}`;
  }
}

/** What the claim says, without what is said about it: no prose, no author, no level, no order or spelling of keys. */
function claimContent(claim: Claim, executor: string): Json {
  const equation = claim.contract.equations.find((candidate) => candidate.name === claim.equation?.name);
  return {
    id: claim.id,
    prediction: claim.prediction,
    equation:
      equation === undefined
        ? null
        : {
            formula: equation.formula,
            domain: equation.domain ?? null,
            codomain: equation.codomain ?? null,
            invariants: equation.invariants,
          },
    executors: claim.run === undefined ? [executor] : claim.executors.toSorted(),
    outsideOracle: claim.outsideOracle.possible,
    faults: promisedOn(claim.faults, executor).toSorted(),
    falsifier: claim.run === undefined ? claim.falsifier : null,
    run: claim.run ?? null,
  };
}

function barContent({ metric, comparator, threshold, unit }: Bar): Json {
  return { metric, comparator, threshold: formatNumber(threshold), unit };
}

function digestOfData(root: string, name: string): Digest | null {
  const path = resolve(root, name);
  return isContractName(name) && existsSync(path) ? authoredDigest(path) : digestOfPath(path);
}

/** A file's bytes, or every file of a folder by name. */
function digestOfPath(path: string): Digest | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isDirectory()) return digestOfFile(path);
  const names = readdirSync(path).toSorted();
  return digestOfJson(names.map((name) => [name, digestOfPath(join(path, name)) ?? '']));
}

export interface PinChange {
  pin: string;
  /** undefined: not among the receipt's pins. */
  recorded: PinValue | undefined;
  present: PinValue | undefined;
}

/** What differs, by name; what cannot be compared here is left out. */
export function comparePins(recorded: Readonly<Pins>, present: Readonly<Pins>): PinChange[] {
  const names = [...new Set([...Object.keys(recorded), ...Object.keys(present)])].toSorted();
  return names
    .map((pin) => ({ pin, recorded: recorded[pin], present: present[pin] }))
    .filter((change) => change.recorded !== change.present && change.present !== 'unchecked');
}

export function uncheckedPins(present: Readonly<Pins>): string[] {
  return Object.keys(present).filter((pin) => present[pin] === 'unchecked');
}
