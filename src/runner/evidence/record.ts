// From what a run gave, and the receipt that lies there, to the receipt that should lie there. Pure: pins and clock
// are handed in. A part that was not run now keeps its section as long as everything it depends on is unchanged.
import { formatNumber } from '../contract/bar.ts';
import { PART_NAMES, type PartName } from '../contract/part-names.ts';
import type { ClaimRun } from '../run/run-claim.ts';
import type { FaultResult } from '../run/run-faults.ts';
import { NOTHING_TOUCHED, type PartReport, type TouchedInputs } from '../run/protocol.ts';
import type { PartResult } from '../run/part-result.ts';
import { describeFaultReason, describeReason } from '../run/describe-reason.ts';
import { canonicalJson, canonicalText, digestOf, digestOfJson, type Digest, type Json } from '../sources/digest.ts';
import { isOnExecutor } from '../sources/entries.ts';
import type { Environment } from './environment.ts';
import { comparePins, type Pins } from './pins.ts';
import { pinsDigest, RECEIPT_VERSION, sealReceipt } from './receipt.ts';
import type { Confirmation, CounterexampleFile, FaultSection, PartSection, Receipt, StablePart } from './receipt.ts';
import type { VolatilePart } from './receipt.ts';

export interface RecordInput {
  root: string;
  run: ClaimRun;
  environment: Environment;
  pins: Pins;
  previous: Receipt | null;
  volatile: Omit<VolatilePart, 'durationMs' | 'faults' | 'notes'>;
  /** SOURCE_DATE_EPOCH is set: durations are left out. */
  isClockFixed: boolean;
}

export interface Recorded {
  receipt: Receipt;
  /** The stable part is what it was: nothing needs to be written. */
  isUnchanged: boolean;
  counterexamples: { name: string; text: string }[];
}

export function recordRun(input: RecordInput): Recorded {
  const { run, environment, pins, previous } = input;
  const kept = previous !== null && isSameQuestion(previous.predicate.stable, input) ? previous.predicate : null;
  const counterexamples = run.parts.flatMap((part) => counterexampleOf(run, part));
  const byPart = new Map(counterexamples.map(({ part, name }) => [part, name]));
  const parts: StablePart['parts'] = {};
  const durationMs: VolatilePart['durationMs'] = {};
  for (const name of PART_NAMES) {
    const result = run.parts.find((part) => part.part === name);
    const old = kept?.stable.parts[name];
    if (result !== undefined && !(old !== undefined && result.reason.code === 'need-absent')) {
      parts[name] = partSection(result, byPart.get(name) ?? null);
      durationMs[name] = input.isClockFixed ? 0 : result.durationMs;
    } else if (old !== undefined) {
      parts[name] = old;
      durationMs[name] = kept?.volatile.durationMs[name] ?? 0;
    }
  }
  const { metric, comparator, threshold, unit } = run.bar;
  const stable: StablePart = {
    schemaVersion: RECEIPT_VERSION,
    contract: run.claim.contract.name,
    claim: run.claim.id,
    environment,
    bar: { metric, comparator, threshold: formatNumber(threshold), unit },
    seed: run.seed,
    repeat: run.repeat,
    parts,
    faults: faultSections(run.faults, kept?.stable.faults ?? []),
    touched: touchedInputs(run, kept?.stable ?? null),
    pins,
  };
  const isUnchanged =
    previous !== null && digestOfJson(asJson(previous.predicate.stable)) === digestOfJson(asJson(stable));
  const volatile: VolatilePart = {
    ...input.volatile,
    durationMs,
    faults: { ...kept?.volatile.faults, ...faultSightings(run.faults) },
    notes: notesOf(run, input.root),
  };
  const receipt = sealReceipt({ stable, confirmations: keptConfirmations(previous, pins), volatile });
  return { receipt: isUnchanged && previous !== null ? previous : receipt, isUnchanged, counterexamples };
}

/** True when the old sections answer the same question: same seed and class, and every old pin still holds. */
export function isSameQuestion(
  old: StablePart,
  { run, environment, pins }: Pick<RecordInput, 'run' | 'environment' | 'pins'>,
): boolean {
  const isSameRun = old.seed === run.seed && old.repeat === run.repeat && old.environment.class === environment.class;
  const heldPins = Object.fromEntries(Object.keys(old.pins).map((name) => [name, pins[name] ?? 'absent']));
  return isSameRun && comparePins(old.pins, heldPins).length === 0;
}

/** What the present parts read, and what the kept ones had read. */
export function touchedInputs(run: Pick<ClaimRun, 'parts'>, old: Pick<StablePart, 'touched'> | null): TouchedInputs {
  const all = run.parts.flatMap(({ report }) => (report === undefined ? [] : [report.touched]));
  return [...all, ...(old === null ? [] : [old.touched])].reduce(unionOfTouched, NOTHING_TOUCHED);
}

/** Sorted, so that the order of parts moves nothing. */
function unionOfTouched(a: TouchedInputs, b: TouchedInputs): TouchedInputs {
  const union = <Item extends string>(pick: (touched: TouchedInputs) => readonly Item[] | undefined): Item[] =>
    [...new Set([...(pick(a) ?? []), ...(pick(b) ?? [])])].toSorted();
  // Canonical: in a receipt that was read back the keys stand in another order than in a fresh report.
  const oracles = new Map([...a.oracles, ...b.oracles].map((oracle) => [canonicalJson({ ...oracle }), oracle]));
  const product = union((touched) => touched.product);
  const shaders = union((touched) => touched.shaders);
  // Where one of them may have read any, so may have both.
  const isKnown = [a, b].every((touched) => touched.shaders !== undefined || !isOnGpu(touched));
  return {
    data: union((touched) => touched.data),
    models: union((touched) => touched.models),
    programs: union((touched) => touched.programs),
    packages: union((touched) => touched.packages),
    ...(product.length === 0 ? {} : { product }),
    ...(shaders.length === 0 || !isKnown ? {} : { shaders }),
    oracles: [...oracles.keys()].toSorted().flatMap((key) => oracles.get(key) ?? []),
  };
}

function isOnGpu({ product, programs }: TouchedInputs): boolean {
  return product?.includes('executor:webgpu') === true || programs.some((text) => isOnExecutor(text, 'webgpu'));
}

function partSection(result: PartResult, counterexampleFile: string | null): PartSection {
  const { report } = result;
  const worst = report?.worst ?? null;
  const failure = report?.failure ?? null;
  return {
    verdict: result.verdict,
    reason: result.reason.code,
    planned: result.planned,
    executed: result.executed,
    discarded: report?.discarded ?? 0,
    worst: worst === null ? null : { value: formatNumber(worst.value), where: worst.where },
    outputs: outputsDigest(report),
    counterexample:
      failure === null || counterexampleFile === null
        ? null
        : { file: counterexampleFile, where: failure.where, value: formatNumber(failure.value) },
  };
}

export function outputsDigest(report: PartReport | undefined): Digest {
  return report === undefined ? digestOf('') : `sha256:${report.outputsDigest}`;
}

/** New results win; one that could not be run now does not erase one that was. */
function faultSections(results: readonly FaultResult[], old: readonly FaultSection[]): FaultSection[] {
  const sections = new Map(old.map((section) => [section.id, section]));
  for (const { id, title, size, part, verdict } of results) {
    if (verdict === 'not-run' && sections.has(id)) continue;
    sections.set(id, { id, title, size, part, verdict });
  }
  return [...sections.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function faultSightings(results: readonly FaultResult[]): VolatilePart['faults'] {
  const run = results.filter(({ verdict }) => verdict !== 'not-run');
  return Object.fromEntries(
    run.map(({ id, executed, measured }) => [
      id,
      { executed, measured: measured === null ? null : formatNumber(measured) },
    ]),
  );
}

function counterexampleOf(run: ClaimRun, part: PartResult): { part: PartName; name: string; text: string }[] {
  const failure = part.report?.failure ?? null;
  if (failure === null) return [];
  const file: CounterexampleFile = {
    contract: run.claim.contract.name,
    claim: run.claim.id,
    part: part.part,
    seed: run.seed,
    bar: run.bar,
    where: failure.where,
    measured: formatNumber(failure.value),
    input: failure.kind === 'search' ? failure.input : null,
    stored: failure.kind === 'search' ? failure.stored : null,
  };
  const json = asJson({ ...file, bar: { ...run.bar, threshold: formatNumber(run.bar.threshold) } });
  const text = canonicalText(json);
  return [{ part: part.part, name: `counterexample-${digestOf(text).slice(7, 15)}.json`, text }];
}

function keptConfirmations(previous: Receipt | null, pins: Pins): Confirmation[] {
  const digest = pinsDigest(pins);
  return (previous?.predicate.confirmations ?? []).filter((confirmation) => confirmation.pins === digest);
}

function notesOf(run: ClaimRun, root: string): Record<string, string> {
  // One line without this machine's folders: notes are committed.
  const note = (text: string): string => (text.split('\n', 1)[0] ?? '').replaceAll(root, '.');
  const notes: Record<string, string> = {};
  for (const part of run.parts) {
    if (part.verdict !== 'survived') notes[part.part] = note(describeReason(part.reason));
  }
  for (const fault of run.faults) {
    if (fault.verdict !== 'red') notes[`fault ${fault.id}`] = note(describeFaultReason(fault));
  }
  return notes;
}

function asJson(value: object): Json {
  return value as unknown as Json;
}
