// A reference pack: a capture written by somebody else's engine, held against the program it is to vouch for before
// a number of it is compared. Format: docs/reference-packs.md. The capture itself is read by the engine's `readCapture`.
import { isNameOf } from '../../engine/architectures/registry.ts';
import { readCapture, type Capture } from '../../engine/capture/read-capture.ts';
import { stagePath } from '../../engine/capture/sink.ts';
import type { CapturedFile } from '../../engine/capture/manifest.ts';
import type { Program, Stage } from '../../engine/program/program.ts';
import { RefuteError } from '../../errors.ts';

/**
 * @throws RefuteError E_PACK_PRODUCER (a capture of this product), E_PACK_MODEL, E_PACK_TOKENS, E_PACK_STAGE,
 *   E_PACK_SHAPE, and those of `readCapture`; `read` throws E_PACK_VALUE at a NaN or an infinity
 */
export async function openPack(folder: string, program: Program): Promise<Capture> {
  const capture = await readCapture(folder);
  const { manifest } = capture;
  if (!('producer' in manifest.origin)) {
    const is = `it is a capture of this product's own ${manifest.origin.executor} executor`;
    throw packError('E_PACK_PRODUCER', folder, is, 'a pack names the other implementation under "producer"');
  }
  if (!isOfArchitecture(capture, program)) {
    const is = `it is of a ${manifest.model.architecture} model (${manifest.model.name})`;
    throw packError('E_PACK_MODEL', folder, is, `this model is ${program.architecture}`);
  }
  assertTokens(folder, manifest.tokens, program);
  const stages = new Map(program.stages.map((stage) => [stagePath(stage), stage]));
  for (const path of capture.paths) {
    const stage = stages.get(path);
    const file = capture.file(path);
    if (stage === undefined || file === undefined) {
      throw packError('E_PACK_STAGE', `${folder}/${path}`, 'this model has no such stage', stagesText(program));
    }
    assertShape(`${folder}/${path}`, file, shapeOf(stage, program, capture));
  }
  // In the order of execution, so that the first difference is the first.
  const paths = [...stages.keys()].filter((path) => capture.file(path) !== undefined);
  return { ...capture, paths, read: async (path) => finite(`${folder}/${path}`, await capture.read(path)) };
}

/** Who made it, with its version; for our own captures the executor. */
export function producerOf({ manifest: { origin } }: Capture): string {
  return 'producer' in origin ? `${origin.producer.name} ${origin.producer.version}` : origin.executor;
}

/** By our name of the architecture or by the `model_type` of config.json, which a producer may know instead. */
export function isOfArchitecture({ manifest }: Pick<Capture, 'manifest'>, { architecture }: Program): boolean {
  return isNameOf(manifest.model.architecture, architecture);
}

/** What the producer computed in, in its own word; null where it does not say. */
export function dtypeOf({ manifest: { origin } }: Capture): string | null {
  const dtype = 'producer' in origin ? origin.producer['dtype'] : null;
  return typeof dtype === 'string' ? dtype : null;
}

function assertTokens(folder: string, tokens: readonly number[], program: Program): void {
  const foreign = tokens.find((token) => token >= program.vocabSize);
  if (foreign !== undefined) {
    const allowed = `this model has ids 0 to ${program.vocabSize - 1}`;
    throw packError('E_PACK_TOKENS', folder, `token ${foreign} is in it`, allowed);
  }
  if (tokens.length > program.contextLength) {
    const allowed = `this model takes ${program.contextLength}`;
    throw packError('E_PACK_TOKENS', folder, `it has ${tokens.length} tokens`, allowed);
  }
}

/** What the stage's file must hold, from the tokens and the program alone. */
function shapeOf({ source }: Stage, program: Program, { manifest }: Capture): number[] {
  const rowCount = manifest.positions === 'all' ? manifest.tokens.length : 1;
  if ('attention' in source) return [source.attention.headCount, rowCount, manifest.tokens.length];
  const parts = 'value' in source ? [source.value] : source.values;
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  return [rowCount, parts.reduce((sum, id) => sum + (widths.get(id) ?? Number.NaN), 0)];
}

function assertShape(place: string, { shape }: CapturedFile, wanted: readonly number[]): void {
  if (shape.length === wanted.length && shape.every((extent, i) => extent === wanted[i])) return;
  const allowed = `tokens, positions and this model make it [${wanted.join(', ')}]`;
  throw packError('E_PACK_SHAPE', place, `the manifest says [${shape.join(', ')}]`, allowed);
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
