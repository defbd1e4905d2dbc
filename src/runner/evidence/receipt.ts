// The receipt: what was run, on what, and the outcome. An in-toto Statement v1 in canonical JSON, with two digests
// of itself. Types, the digests, and reading back with every byte checked; making one is record.ts.
import type { Bar } from '../contract/bar.ts';
import type { PartName } from '../contract/part-names.ts';
import type { FaultVerdict, Verdict } from '../level/types.ts';
import { RefuteError } from '../../errors.ts';
import { canonicalText, digestOfJson, type Digest, type Json } from '../sources/digest.ts';
import type { Environment, Machine } from './environment.ts';
import type { Pins } from './pins.ts';
import type { FaultDescription, StoredCase, TouchedInputs } from '../run/protocol.ts';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'urn:refute:falsification:v1';
/** Moves when a field goes or changes its meaning. A new field leaves it: a reader ignores what it does not know. */
export const RECEIPT_VERSION = 1;

/** One part's outcome. Measurements are strings: JSON has no NaN and no -0. */
export interface PartSection {
  verdict: Verdict;
  /** Code of the reason; its words are in `volatile`. */
  reason: string;
  planned: number;
  executed: number;
  discarded: number;
  worst: { value: string; where: string } | null;
  outputs: Digest;
  /** Where the refutation is kept, below the receipt's folder; and what it measured. */
  counterexample: { file: string; where: string; value: string } | null;
}

export type FaultSection = Omit<FaultDescription, 'inject' | 'executor'> & { verdict: FaultVerdict };

/** How a fault was seen. Not stable: a fault of chance or of time may show itself elsewhere in each run. */
interface FaultSighting {
  /** Cases until it was seen, or all of them. */
  executed: number;
  measured: string | null;
}

/** Everything that the verdict and the level follow from; unchanged, the receipt is not rewritten. */
export interface StablePart {
  schemaVersion: number;
  contract: string;
  claim: string;
  environment: Environment;
  bar: Record<'metric' | 'comparator' | 'threshold' | 'unit', string>;
  seed: number;
  repeat: number;
  parts: Partial<Record<PartName, PartSection>>;
  faults: FaultSection[];
  touched: TouchedInputs;
  pins: Pins;
}

/** Another machine that ran the same pins, and what it got. */
export interface Confirmation {
  machine: string;
  class: string;
  pins: Digest;
  parts: Partial<Record<PartName, { verdict: Verdict; outputs: Digest }>>;
}

/** What differs from run to run; no verdict depends on it. */
export interface VolatilePart {
  startedAt: string;
  durationMs: Partial<Record<PartName, number>>;
  machine: Machine;
  /** By fault id. */
  faults: Record<string, FaultSighting>;
  /** Commit of the sources, and whether files differed from it; null outside git. */
  source: { commit: string; isDirty: boolean } | null;
  /** Reasons in words, by part or fault. */
  notes: Record<string, string>;
}

export interface Receipt {
  _type: typeof STATEMENT_TYPE;
  predicateType: typeof PREDICATE_TYPE;
  subject: { name: string; digest: { sha256: string } }[];
  predicate: {
    digest: {
      /** Of the stable part and the confirmations: what a contract's evidence keys name. */
      content: Digest;
      /** Of the whole file without this field. */
      file: Digest;
    };
    stable: StablePart;
    confirmations: Confirmation[];
    volatile: VolatilePart;
  };
}

/** A counterexample as it is stored beside the receipt. */
export interface CounterexampleFile {
  contract: string;
  claim: string;
  part: PartName;
  seed: number;
  bar: Bar;
  where: string;
  measured: string;
  /** As fast-check prints it; for people. */
  input: string | null;
  stored: StoredCase | null;
}

/** Puts a statement around the parts and signs it with its own digests. */
export function sealReceipt(parts: Pick<Receipt['predicate'], 'stable' | 'confirmations' | 'volatile'>): Receipt {
  const { stable, confirmations, volatile } = parts;
  const content = contentDigest(parts);
  const [, claimDigest = ''] = String(stable.pins['claim'] ?? '').split(':');
  const receipt: Receipt = {
    _type: STATEMENT_TYPE,
    predicateType: PREDICATE_TYPE,
    subject: [{ name: `claim:${stable.contract}/${stable.claim}`, digest: { sha256: claimDigest } }],
    predicate: { digest: { content, file: content }, stable, confirmations, volatile },
  };
  receipt.predicate.digest.file = fileDigest(receipt);
  return receipt;
}

export function receiptText(receipt: Receipt): string {
  return canonicalText(asJson(receipt));
}

/**
 * Reads a receipt and believes nothing: the text must be the canonical spelling of what it says, both digests must
 * hold, and it must lie where its claim and class belong. One changed byte is refused.
 *
 * @throws RefuteError E_RECEIPT_EDITED, E_RECEIPT_SHAPE
 */
export function parseReceipt(text: string, place: string): Receipt {
  const value = parseJson(text, place);
  const receipt = value as unknown as Receipt;
  try {
    const { digest, stable } = receipt.predicate;
    if (stable.schemaVersion !== RECEIPT_VERSION) {
      const is = `a receipt of version ${stable.schemaVersion}; this pv reads version ${RECEIPT_VERSION}`;
      throw new RefuteError({ code: 'E_RECEIPT_SHAPE', place, is });
    }
    if (digest.file !== fileDigest(receipt) || digest.content !== contentDigest(receipt.predicate)) {
      throw edited(place, 'its digest does not fit its content');
    }
    if (canonicalText(value) !== text) throw edited(place, 'it is not in the spelling that pv writes');
    assertShape(receipt);
  } catch (error) {
    if (error instanceof RefuteError) throw error;
    throw new RefuteError({ code: 'E_RECEIPT_SHAPE', place, is: 'this is not a receipt', cause: error });
  }
  return receipt;
}

function parseJson(text: string, place: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new RefuteError({ code: 'E_RECEIPT_EDITED', place, is: 'this is not JSON', next: RERUN, cause });
  }
}

const RERUN = 'Receipts are written by pv alone; restore it from git or run "pv falsify" again';

function edited(place: string, is: string): RefuteError {
  return new RefuteError({ code: 'E_RECEIPT_EDITED', place, is: `this receipt was edited: ${is}`, next: RERUN });
}

function contentDigest({ stable, confirmations }: Pick<Receipt['predicate'], 'stable' | 'confirmations'>): Digest {
  return digestOfJson(asJson({ stable, confirmations }));
}

/** What a confirmation names: the pins that another machine ran. */
export function pinsDigest(pins: Pins): Digest {
  return digestOfJson(pins);
}

function fileDigest(receipt: Receipt): Digest {
  const { digest, ...rest } = receipt.predicate;
  return digestOfJson(asJson({ ...receipt, predicate: { ...rest, digest: { content: digest.content } } }));
}

/** The digests vouch for the bytes; this, for the fields that are used without another look. */
function assertShape({ _type, predicateType, predicate }: Receipt): void {
  const { stable, confirmations, volatile } = predicate;
  const { environment, touched } = stable;
  const { data, models, programs, packages, oracles } = touched;
  const isWhole =
    _type === STATEMENT_TYPE &&
    predicateType === PREDICATE_TYPE &&
    [stable.contract, stable.claim, environment.class, environment.executor, volatile.machine.id].every(
      (field) => typeof field === 'string',
    ) &&
    [stable.seed, stable.repeat].every(Number.isSafeInteger) &&
    [stable.bar, stable.parts, stable.pins].every((field) => typeof field === 'object') &&
    [stable.faults, confirmations, data, models, programs, packages, oracles].every(Array.isArray);
  if (!isWhole) throw new TypeError('a field is missing');
}

function asJson(value: object): Json {
  // Interfaces have no index signature; what is asserted here is that they hold JSON values only.
  return value as unknown as Json;
}
