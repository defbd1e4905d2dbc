// What a map of names says, as data: the built-in ones are such records, a YAML file is read into one. Types only;
// stage-map.ts makes a map of it.
import type { RotaryRows } from '../../../engine/capture/rotary-layout.ts';

/**
 * Our names, and theirs: one, or several, the preferred one first. `{layer}` stands for the number of the layer,
 * `{layer+1}` for the next one; a leading `*` for any path before. `ffn_gate+ffn_up` are values of equal width side by
 * side; `layer-0/ffn_out` is the value of one layer, `layer-last/ffn_out` of the last; `ignored` are known names of
 * nothing that is judged.
 */
export type Names = Readonly<Record<string, string | readonly string[]>>;

export interface MapSource {
  /** Order of the channels of q and k; absent: that of the model. */
  rotaryRows?: RotaryRows;
  stages: Names;
  /**
   * Names that mean something else where the model has the stage, or is of the architecture; of several such the last
   * counts.
   */
  where?: Readonly<Record<string, Names>>;
  /** True where the same name is given to several nodes and ends in the op of each. */
  endsInOp?: boolean;
}
