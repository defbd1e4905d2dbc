// What somebody else calls our stages and values: maps made of `MapSource` records, and laid one over the other. Reading
// one from a file is read-map.ts; what the built-in ones say is in maps/.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../../engine/formats/quoted.ts';
import { isStepName, type Positions } from '../../engine/capture/select.ts';
import type { RotaryRows } from '../../engine/capture/rotary-layout.ts';
import { FIRST_LAYER, OTHER_VALUES, parseStageId, STAGE_NAMES, WHOLE_MODEL } from '../../engine/program/stages.ts';
import type { StageKey } from '../../engine/program/stages.ts';
import type { MapSource, Names } from './maps/source.ts';

/** What a model has: a name may mean one thing in one model and another in the next. */
export interface ModelNames {
  /** Of stages and values, without layers, and of the architecture. */
  names: ReadonlySet<string>;
  layerCount: number;
}

interface MappedName {
  /** Values of equal width side by side; none: the name is known, and is of nothing that is judged. */
  keys: readonly StageKey[];
  /** Of several names of one stage the lowest is taken. */
  rank: number;
}

export interface StageMap {
  /** null: it does not say. */
  tokens: readonly number[] | null;
  positions: Positions | null;
  rotaryRows: RotaryRows | null;
  /** What a tensor of this name is; null: the map does not have it. */
  find(name: string, model: ModelNames | null): MappedName | null;
  /** The name that is looked for first; null: the map has none. */
  nameOf(key: StageKey, model: ModelNames | null): string | null;
}

interface Entry {
  keys: readonly Pick<StageKey, 'name'>[];
  /** `last`: of the model; null: in the name, or of the whole model. */
  layer: number | 'last' | null;
  theirs: string;
  pattern: RegExp;
  /** The number in the name less the layer. */
  shift: number;
  rank: number;
}

/** @throws RefuteError E_STAGE_MAP */
export function stageMapOf(
  source: MapSource,
  place: string,
  run: Pick<StageMap, 'tokens' | 'positions'> = { tokens: null, positions: null },
): StageMap {
  const { stages, where = {}, rotaryRows = null, endsInOp = false } = source;
  const all = [stages, ...Object.values(where)].flatMap((names) => Object.values(names).flat());
  const withOps = new Set(endsInOp ? all.flatMap((name) => /^(.*)\.[A-Z_]+$/.exec(name)?.[1] ?? []) : []);
  const toPattern = (theirs: string): RegExp => patternOf(theirs, endsInOp && !withOps.has(theirs));
  const sections = Object.entries(where).map(([stage, names]) => ({
    stage,
    entries: entriesOf(names, toPattern, place),
  }));
  const base = entriesOf(stages, toPattern, place);
  /** Those that count for the model, the ones that go before others first. */
  const inForce = (model: ModelNames | null): Entry[] => {
    const own = sections.filter(({ stage }) => model?.names.has(stage) === true).toReversed();
    return [...own.flatMap(({ entries }) => entries), ...base];
  };
  const find: StageMap['find'] = (written, model) => {
    const entries = inForce(model);
    for (const name of spellings(written, endsInOp)) {
      for (const entry of entries) {
        const found = entry.pattern.exec(name);
        const keys = found === null ? null : keysOf(entry, found[1], model);
        if (keys !== null) return { keys, rank: entry.rank };
      }
    }
    return null;
  };
  return {
    ...run,
    rotaryRows,
    find,
    nameOf: ({ name, layer }, model) => {
      const named = inForce(model).filter(({ keys }) => keys.some((key) => key.name === name));
      const names = named.map(({ theirs, shift }) =>
        theirs.replace(/^\*/, '').replaceAll(LAYER, String((layer ?? 0) + shift)),
      );
      // In this model or of another layer it may be the name of something else.
      const isOfKey = (key: StageKey): boolean => key.name === name && key.layer === layer;
      return names.find((theirs) => find(theirs, model)?.keys.some(isOfKey) === true) ?? null;
    },
  };
}

/** The later ones go before the earlier ones. null: there are none. */
export function layered(maps: readonly StageMap[]): StageMap | null {
  const [only] = maps;
  if (only === undefined || maps.length === 1) return only ?? null;
  const ordered = maps.toReversed();
  const first = <T>(pick: (map: StageMap) => T | null): T | null =>
    ordered.reduce<T | null>((found, map) => found ?? pick(map), null);
  return {
    tokens: first(({ tokens }) => tokens),
    positions: first(({ positions }) => positions),
    rotaryRows: first(({ rotaryRows }) => rotaryRows),
    find: (name, model) => {
      for (const [i, map] of ordered.entries()) {
        const found = map.find(name, model);
        if (found !== null) return { ...found, rank: found.rank + i * MAP_RANK };
      }
      return null;
    },
    nameOf: (key, model) => first((map) => map.nameOf(key, model)),
  };
}

/** More than any stage has names. */
const MAP_RANK = 1000;
/** In the place of a stage. */
const IGNORED = 'ignored';
const LAYER = /\{layer(?:\+1)?\}/g;
const LAYER_IN_NAME = /\{layer(?:\+1)?\}/;

function entriesOf(names: Names, toPattern: (theirs: string) => RegExp, place: string): Entry[] {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_STAGE_MAP', place, is, ...(allowed === undefined ? {} : { allowed }) });
  const entryOf = (theirs: string, of: Pick<Entry, 'keys' | 'layer' | 'rank'>): Entry => {
    return { ...of, theirs, pattern: toPattern(theirs), shift: theirs.includes('{layer+1}') ? 1 : 0 };
  };
  return Object.entries(names).flatMap(([stage, theirs]) => {
    if (stage === IGNORED) return [theirs].flat().map((name) => entryOf(name, { keys: [], layer: 0, rank: 0 }));
    const [, last, rest = ''] = /^(layer-last\/)?(.*)$/.exec(stage) ?? [];
    const parts = rest.split('+').map((part) => parseStageId(part.trim()));
    const keys = parts.filter((key) => key !== null && isStepName(key.name)) as StageKey[];
    const [key] = keys;
    if (key === undefined || keys.length < parts.length) {
      const allowed = `there are ${[...STAGE_NAMES, ...Object.keys(OTHER_VALUES)].join(', ')}`;
      throw fail(`${quoted(stage)} is not a stage or value`, allowed);
    }
    const layer = last === undefined ? (key.layer ?? (FIRST_LAYER.has(key.name) ? 0 : null)) : 'last';
    return [theirs].flat().map((written, rank) => {
      const name = typeof layer === 'number' ? written.replaceAll('{layer}', String(layer)) : written;
      const isOfModel = WHOLE_MODEL.has(key.name);
      if (layer === null && isOfModel === LAYER_IN_NAME.test(name)) {
        throw isOfModel
          ? fail(`the name of ${stage} has a {layer}`, `there is one ${stage} in a model`)
          : fail(`the name of ${stage} has no {layer}`, `a key like layer-0/${stage} names the stage of one layer`);
      }
      return entryOf(name, { keys, layer, rank });
    });
  });
}

function keysOf(
  { keys, layer, shift }: Entry,
  number: string | undefined,
  model: ModelNames | null,
): StageKey[] | null {
  if (layer === 'last' && model === null) return null;
  const own = number === undefined ? null : Number(number) - shift;
  const known = layer === 'last' ? (model?.layerCount ?? 0) - 1 : (layer ?? own);
  return known !== null && known < 0 ? null : keys.map(({ name }) => ({ name, layer: known }));
}

/** As written, and without what hooks often add; with ops, in the one way in which maps write them. */
function spellings(name: string, endsInOp: boolean): string[] {
  const plain = endsInOp ? name.replace(/[ ._:-]+\(?([A-Z]+(?:_[A-Z]+)*)\)?$/, '.$1') : name;
  return [plain, plain.replace(/\.out(?:put)?(?:\.0)?$/, '')];
}

/** The same number at every place of the layer. */
function patternOf(theirs: string, mayEndInOp: boolean): RegExp {
  const path = theirs.startsWith('*') ? String.raw`(?:.*\.)?` : '';
  const [first = '', ...rest] = theirs
    .replace(/^\*/, '')
    .split(LAYER)
    .map((part) => RegExp.escape(part));
  const later = rest.length === 0 ? '' : String.raw`(0|[1-9]\d{0,4})${rest.join(String.raw`\1(?!\d)`)}`;
  return new RegExp(`^${path}${first}${later}${mayEndInOp ? String.raw`(?:\.[A-Z_]+)?` : ''}$`);
}
