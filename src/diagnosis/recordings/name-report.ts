// What of a dump was not understood, and what of the model is not in it: names that were not found side by side with
// the names that were looked for, so that a slip shows. Not a judge: what is missing may be fused, or not be shown.
import type { Program } from '../../engine/program/program.ts';
import { parseStageId } from '../../engine/program/stages.ts';
import { nearest } from '../../near-miss.ts';
import { dumpValues } from './dump-values.ts';
import type { Recording } from './recording.ts';

export interface NameReport {
  /** Names in the dump that are no stage or value of the model; `meant`: the value whose name is nearest. */
  unknown: { name: string; meant: string | null }[];
  /** Values of the model that are not in the dump; `lookedFor`: their name by the map. */
  absent: { value: string; lookedFor: string | null; nearest: string | null }[];
}

export function nameReport(dump: Recording, program: Program): NameReport {
  const values = dumpValues(dump, program, 1);
  const ids = new Set(program.values.map(({ id }) => id));
  const isKnown = (id: string): boolean => ids.has(id) || program.stages.some(({ name }) => name === parseStageId(id)?.name);
  const strangers = [...dump.tensors].flatMap(([id, { source }]) => (isKnown(id) ? [] : [source]));
  const unknown = [...new Set([...dump.otherNames, ...strangers])];
  const absent = program.ops.flatMap(({ out }) => (values.has(out) ? [] : [{ value: out, lookedFor: dump.nameOf(out) }]));
  const wanted = new Map(absent.flatMap(({ value, lookedFor }) => [value, lookedFor ?? value].map((name) => [name, value])));
  return {
    unknown: unknown.map((name) => {
      const found = nearName(name, [...wanted.keys()]);
      return { name, meant: (found === null ? null : wanted.get(found)) ?? null };
    }),
    absent: absent.map(({ value, lookedFor }) => {
      const found = nearName(lookedFor ?? value, unknown) ?? nearName(value, unknown);
      return { value, lookedFor, nearest: found };
    }),
  };
}

/** By the whole name, or, in the same layer, by its last word. */
function nearName(name: string, candidates: readonly string[]): string | null {
  const whole = nearest(name, candidates);
  if (whole !== undefined) return whole;
  const layer = layerIn(name);
  const ofLayer = candidates.filter((candidate) => layerIn(candidate) === layer);
  const words = new Map(ofLayer.toReversed().map((candidate) => [lastWord(candidate), candidate]));
  const word = nearest(lastWord(name), [...words.keys()]);
  return (word === undefined ? null : words.get(word)) ?? null;
}

function layerIn(name: string): string | null {
  return /(?:^|\D)(\d+)(?=\D|$)/.exec(name)?.[1] ?? null;
}

function lastWord(name: string): string {
  return name.split(/[./]/).findLast((word) => !/^\d*$/.test(word)) ?? name;
}
