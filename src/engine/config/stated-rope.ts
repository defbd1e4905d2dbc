// Where a config.json states its rotation: in `rope_parameters` as Transformers 5 writes it, in `rope_scaling` as those
// before did, a few of its numbers beside them; and whose word counts where there are several.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { HfRope } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { noteOtherValues } from './other-values.ts';

const OLD = 'rope_scaling.';
/** Numbers that each type of scaling has; the rest are of all. */
const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor'],
  yarn: ['factor', 'attention_factor', 'beta_fast', 'beta_slow', 'mscale', 'mscale_all_dim', 'truncate'],
  longrope: ['factor', 'attention_factor', 'short_factor', 'long_factor'],
};
const NUMBERS = [...new Set(Object.values(OF_TYPE).flat())];
/** May stand beside the groups too. */
const BESIDE = ['rope_theta', 'partial_rotary_factor', 'original_max_position_embeddings'];
/** What a number says that does nothing: 32 turns are the default of beta_fast. */
const NEUTRAL: readonly unknown[] = [0, 1, 32, true];

/**
 * A `rope_scaling` that is not empty replaces `rope_parameters` as a whole, its base included; where layers rotate
 * differently, it goes into the parameters of those that see all positions, key by key.
 */
export class StatedRope {
  /** Parameters stand below the kind of layer. */
  readonly isNested: boolean;
  readonly #reader: ConfigReader;
  /** Both, the one that counts first. */
  readonly #groups: readonly string[];
  readonly #keys: ReadonlySet<string>;
  readonly #hasNew: boolean;
  readonly #hasBoth: boolean;

  /** Null where Transformers computes with the value, and fails. @throws RefuteError E_CONFIG_VALUE */
  constructor(reader: ConfigReader, { layerType, isPartial = false }: HfRope) {
    const own = layerType === undefined ? 'rope_parameters.' : `rope_parameters.${layerType}.`;
    const keys = reader.keys();
    const has = (start: string): boolean => keys.some((key) => key.startsWith(start));
    this.isNested = layerType !== undefined;
    this.#reader = reader;
    this.#keys = new Set(keys);
    this.#groups = has(OLD) ? [OLD, own] : [own, OLD];
    this.#hasNew = has('rope_parameters.');
    this.#hasBoth = this.#hasNew && has(OLD);
    for (const name of ['rope_theta', 'rope_type', ...(isPartial ? ['partial_rotary_factor'] : [])]) {
      const key = this.keyOf(name);
      if (reader.isNull(key)) throw reader.valueError(key, 'null', 'a value, or no such key');
    }
    if (layerType === undefined) return;
    // Parameters for every layer alike would be passed over.
    const flat = keys.find((key) => /^rope_parameters\.[^.]+$/.test(key) && !reader.isNull(key));
    if (flat !== undefined)
      throw reader.valueError(flat, reader.get(flat), `its place is in rope_parameters.${layerType}`);
    if (!has(OLD) || has(own) || !this.#hasNew) return;
    const is = 'rope_scaling stands beside rope_parameters';
    const allowed = `with both, rope_parameters must have ${layerType}, which rope_scaling goes into`;
    throw new RefuteError({ code: 'E_CONFIG_VALUE', place: reader.path, is, allowed });
  }

  /** The key that counts for a parameter, there or not. */
  keyOf(name: string): string {
    const [first = ''] = this.#groups;
    const group = this.isNested ? this.#groups.find((one) => this.#keys.has(one + name)) : first;
    return (group ?? first) + name;
  }

  /** null: no type is stated, or none that counts: the group that is taken where none is has a type, which goes first. */
  typeKey(): string | null {
    const names = this.isNested && !this.#hasNew ? ['rope_type'] : ['rope_type', 'type'];
    return names.map((name) => this.keyOf(name)).find((key) => this.#reader.get(key) !== undefined) ?? null;
  }

  /**
   * Numbers of another type, which would be passed over.
   *
   * @throws RefuteError E_CONFIG_UNSUPPORTED
   */
  checkNumbers(type: string): void {
    for (const name of NUMBERS) {
      const value = this.#reader.get(this.keyOf(name));
      if (value === undefined || OF_TYPE[type]?.includes(name) !== false || NEUTRAL.includes(value)) continue;
      const is = `${this.#reader.full(this.keyOf(name))} is ${shownValue(value)} and the type of scaling is ${type}`;
      const allowed = 'that type does not have it';
      throw new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: this.#reader.path, is, allowed });
    }
  }

  /** A warning where a number of the type is stated elsewhere with another value. */
  noteNumbers(type: string): void {
    for (const name of OF_TYPE[type] ?? []) this.noteOthers(name, this.#reader.get(this.keyOf(name)));
  }

  /** A warning where another place states another value than the one that is used. */
  noteOthers(name: string, value: unknown): void {
    const names = name === 'rope_type' ? ['rope_type', 'type'] : [name];
    const inGroups = this.#groups.flatMap((group) => names.map((one) => group + one));
    const keys = BESIDE.includes(name) ? [...inGroups, name] : inGroups;
    const rule = !this.#hasBoth
      ? "Transformers' order"
      : this.isNested
        ? 'as in Transformers, rope_scaling goes into rope_parameters key by key'
        : 'as in Transformers, a rope_scaling that is not empty replaces rope_parameters as a whole';
    const key = keys.find((one) => value !== undefined && this.#reader.get(one) === value) ?? name;
    noteOtherValues(this.#reader, { key, value }, keys, rule);
  }
}
