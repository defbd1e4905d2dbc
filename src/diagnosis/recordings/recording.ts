// What some engine computed for one list of tokens, as rows by stage or value: the one thing that `diff`, `check`
// and `parity` read, whatever it lies in. Types only; open-recording.ts opens one. Not a judge of what is in it.
import type { CaptureOrigin, ManifestHead } from '../../engine/capture/manifest.ts';
import type { Positions } from '../../engine/capture/select.ts';
import type { FloatArray } from '../../engine/program/executor.ts';
import type { DeclaredFormats } from '../../engine/program/numeric-profile.ts';
import type { RotaryLayout, RotaryRows } from '../../engine/capture/rotary-layout.ts';
import type { StageKey } from '../../engine/program/stages.ts';

/** `run`: of a model, made for the occasion and gone after it. */
type RecordingForm = 'capture' | '.npy' | 'safetensors' | 'run';

export interface Recording {
  /** The folder, or the one file. */
  path: string;
  form: RecordingForm;
  /** Path and form, for people. */
  label: string;
  /** What it says of itself; null: there is no manifest. */
  manifest: ManifestHead | null;
  /** As they entered the model; null: it does not say. */
  tokens: readonly number[] | null;
  positions: Positions;
  /** Who computed it; null: it does not say. */
  origin: CaptureOrigin | null;
  /** What was computed in, in the producer's own word; null: it does not say. */
  dtype: string | null;
  /** The roundings that it declares; null: none. */
  formats: DeclaredFormats | null;
  /** Stages and values by id, in the order in which they lie there. An alias is under the id of its stage. */
  tensors: ReadonlyMap<string, RecordedTensor>;
  /** What else is in it, by its own names; without further names of what is known. */
  otherNames: readonly string[];
  /** Order of the channels of q and k; null: that of the model. */
  rotaryRows: RotaryRows | null;
  /** As its manifest says; null: it does not. */
  rotary: RotaryLayout | null;
  /** What its maps call a stage or value; null: they do not have it. */
  nameOf(id: string): string | null;
  /** @throws RefuteError E_CAPTURE_STAGE, E_CAPTURE_DIGEST, E_CAPTURE_SHAPE, and those of files and formats */
  read(id: string): Promise<Rows>;
  /** Identity of all that is in it, manifest included. */
  digest(): Promise<string>;
}

export interface RecordedTensor extends StageKey {
  /** The recording's own name of it; in a capture folder the path of its file. */
  source: string;
  /** [positions, channels]; attn_scores and attn_softmax: [heads, queries, keys]. A batch of one is left out. */
  shape: readonly number[];
  /** Which one it is of several of the same width that lie side by side under the name. */
  part?: { index: number; count: number };
}

interface Rows {
  shape: readonly number[];
  /** float64 stays float64. */
  data: FloatArray;
  /** As stored. */
  dtype: StoredFloat;
}

export type StoredFloat = 'f64' | 'f32' | 'f16' | 'bf16';

/** One form that a recording can lie in: tensors by its own names. */
export interface TensorStore {
  form: RecordingForm;
  manifest: ManifestHead | null;
  /** By name; where the manifest lists the tensors, with the stage that it says. */
  tensors: ReadonlyMap<string, { shape: readonly number[]; stage?: StageKey }>;
  read(name: string): Promise<Rows>;
  digest(): Promise<string>;
}
