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

/** @throws RefuteError as `dumpValues` does */
export function nameReport(dump: Recording, program: Program): NameReport {
  const values = dumpValues(dump, program, 1);
  const ids = new Set(program.values.map(({ id }) => id));
  const stages = new Set(program.stages.map(({ name }) => name));
  const foreign = [...dump.tensors].flatMap(([id, { name, source }]) =>
    ids.has(id) || stages.has(name) ? [] : [source],
  );
  const unknown = [...new Set([...dump.otherNames, ...foreign])];
  const absent = program.ops.flatMap(({ out }) =>
    values.has(out) ? [] : [{ value: out, lookedFor: dump.nameOf(out) }],
  );
  const wanted = new Map(
    absent.flatMap(({ value, lookedFor }) => [value, lookedFor ?? value].map((name) => [name, value])),
  );
  const nearWanted = nearestIn([...wanted.keys()]);
  const nearUnknown = nearestIn(unknown);
  return {
    unknown: unknown.map((name) => ({ name, meant: wanted.get(nearWanted(name) ?? '') ?? null })),
    absent: absent.map(({ value, lookedFor }) => ({
      value,
      lookedFor,
      nearest: (lookedFor === null ? null : nearUnknown(lookedFor)) ?? nearUnknown(value),
    })),
  };
}

/** In the same layer: by the whole name, else by its last word. */
function nearestIn(names: readonly string[]): (name: string) => string | null {
  const byLayer = Map.groupBy(names, layerIn);
  return (name) => {
    const candidates = byLayer.get(layerIn(name)) ?? [];
    const words = new Map(candidates.toReversed().map((candidate) => [lastWord(candidate), candidate]));
    const word = nearest(lastWord(name), [...words.keys()]);
    return nearest(name, candidates) ?? words.get(word ?? '') ?? null;
  };
}

/** The first number in the name. */
function layerIn(name: string): number | null {
  const [number] = /\d+/.exec(parseStageId(name)?.layer === null ? '' : name) ?? [];
  return number === undefined ? null : Number(number);
}

function lastWord(name: string): string {
  return name.split(/[./]/).findLast((word) => !/^\d*$/.test(word)) ?? name;
}
