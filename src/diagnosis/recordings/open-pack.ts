// A reference pack: a recording of somebody else's engine that says who made it, held against the program it is to
// vouch for before a number of it is compared. Format: docs/reference-packs.md. The files are read by
// open-recording.ts.
import { isNameOf } from '../../engine/architectures/registry.ts';
import type { ManifestHead } from '../../engine/capture/manifest.ts';
import { stagesById } from '../../engine/capture/select.ts';
import type { Program, Stage } from '../../engine/program/program.ts';
import { RefuteError } from '../../errors.ts';
import { inOrder } from '../../engine/program/stages.ts';
import { roundedFloats } from './floats.ts';
import { namesOfProgram, openRecording } from './open-recording.ts';
import type { Recording } from './recording.ts';
import { inRowsOf } from './rotary-rows.ts';
import type { StageMap } from './stage-map.ts';

/** Types so coarse that storing in them is a rounding of its own, and what computes in them. */
const HALF_FLOATS = { f16: 'float16', bf16: 'bfloat16' } as const;

export interface Pack extends Recording {
  manifest: ManifestHead;
  tokens: readonly number[];
}

/**
 * @throws RefuteError those of `openRecording` and `asPack`; `read` throws E_PACK_VALUE at a NaN or an infinity
 */
export async function openPack(path: string, program: Program, map: StageMap | null = null): Promise<Pack> {
  return asPack(await openRecording(path, map, namesOfProgram(program)), program);
}

/**
 * @throws RefuteError E_CAPTURE_MANIFEST (it does not say who made it), E_PACK_PRODUCER (a capture of this
 * product),
 *   E_PACK_MODEL, E_PACK_TOKENS, E_PACK_STAGE, E_PACK_SHAPE
 */
export function asPack(given: Recording, program: Program): Pack {
  const recording = inRowsOf(program, given);
  const { path, manifest, origin, tensors } = recording;
  if (manifest === null || origin === null) {
    throw packError(
      'E_CAPTURE_MANIFEST',
      path,
      'it has no manifest',
      'a pack says who made it, from which model and tokens',
    );
  }
  if (!('producer' in origin) && origin.executor !== 'llama.cpp') {
    const is = `it is a capture of this product's own ${origin.executor} executor`;
    throw packError('E_PACK_PRODUCER', path, is, 'a pack names the other implementation under "producer"');
  }
  if (!isOfArchitecture(manifest, program)) {
    const is = `it is of a ${manifest.model.architecture} model (${manifest.model.name})`;
    throw packError('E_PACK_MODEL', path, is, `this model is ${program.architecture}`);
  }
  assertTokens(path, manifest.tokens, program);
  const stages = stagesById(program);
  for (const [id, { shape }] of tensors) {
    const stage = stages.get(id);
    if (stage === undefined)
      throw packError('E_PACK_STAGE', `${path}/${id}`, 'this model has no such stage', stagesText(program));
    assertShape(`${path}/${id}`, shape, shapeOf(stage, program, manifest));
  }
  return {
    ...recording,
    manifest,
    tokens: manifest.tokens,
    // In the order of execution, so that the first difference is the first.
    tensors: new Map([...tensors].toSorted(([, a], [, b]) => inOrder(a, b))),
    read: async (id) => {
      const rows = await recording.read(id);
      const { dtype, data } = rows;
      if ((dtype === 'f16' || dtype === 'bf16') && recording.dtype !== HALF_FLOATS[dtype]) {
        const allowed = `what was computed in ${recording.dtype ?? 'float32'} is stored in f32 or f64`;
        throw packError('E_PACK_VALUE', `${path}/${id}`, `it is stored in ${dtype}`, allowed);
      }
      return { ...rows, data: finite(`${path}/${id}`, roundedFloats(data)) };
    },
  };
}

/** Who made it, with its version; for our own captures the executor. */
export function producerOf({ origin }: Pick<Recording, 'origin'>): string {
  if (origin === null) return 'an unknown engine';
  return 'producer' in origin
    ? `${origin.producer.name} ${origin.producer.version}`
    : (origin.adapter ?? origin.executor);
}

/** By our name of the architecture or by the `model_type` of config.json, which a producer may know instead. */
export function isOfArchitecture({ model }: ManifestHead, { architecture }: Program): boolean {
  return isNameOf(model.architecture, architecture);
}

function assertTokens(path: string, tokens: readonly number[], program: Program): void {
  const foreign = tokens.find((token) => token >= program.vocabSize);
  if (foreign !== undefined) {
    const allowed = `this model has ids 0 to ${program.vocabSize - 1}`;
    throw packError('E_PACK_TOKENS', path, `token ${foreign} is in it`, allowed);
  }
  if (tokens.length > program.contextLength) {
    const allowed = `this model takes ${program.contextLength}`;
    throw packError('E_PACK_TOKENS', path, `it has ${tokens.length} tokens`, allowed);
  }
}

/** What the stage must hold, from the tokens and the program alone. */
function shapeOf({ source }: Stage, program: Program, { positions, tokens }: ManifestHead): number[] {
  const rowCount = positions === 'all' ? tokens.length : 1;
  if ('attention' in source) return [source.attention.headCount, rowCount, tokens.length];
  const parts = 'value' in source ? [source.value] : source.values;
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  return [rowCount, parts.reduce((sum, id) => sum + (widths.get(id) ?? Number.NaN), 0)];
}

function assertShape(place: string, shape: readonly number[], wanted: readonly number[]): void {
  if (shape.length === wanted.length && shape.every((extent, i) => extent === wanted[i])) return;
  const allowed = `tokens, positions and this model make it [${wanted.join(', ')}]`;
  throw packError('E_PACK_SHAPE', place, `its shape is [${shape.join(', ')}]`, allowed);
}

function finite(place: string, data: Float32Array): Float32Array {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at === -1) return data;
  throw packError('E_PACK_VALUE', place, `element ${at} is ${data[at]}`, 'a reference has finite values');
}

function stagesText({ stages }: Program): string {
  return `it has ${[...new Set(stages.map(({ name }) => name))].join(', ')}`;
}

function packError(code: string, place: string, is: string, allowed: string): RefuteError {
  return new RefuteError({ code, place, is, allowed, next: 'docs/reference-packs.md has the format' });
}
