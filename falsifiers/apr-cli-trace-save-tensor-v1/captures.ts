// Captures as the claims about `apr trace --save-tensor` look at them: made by the real program or by the same engine
// functions in this process, and read from disk with nothing but node's own file functions.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureRun } from '../../src/engine/capture/capture-run.ts';
import { parseStages, selectStages } from '../../src/engine/capture/select.ts';
import { CaptureWriter } from '../../src/engine/capture/write-capture.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { Executor } from '../../src/engine/program/executor.ts';
import type { PartContext, ProgramResult } from '../../src/runner/run/falsifier.ts';
import { TINY_VOCAB_SIZE, type TinyModel } from '../kit/models/tiny-model.ts';
import type { expectedFiles } from './expected-stages.ts';

/** Stage files below a folder, by path with `/`; empty where there is no folder. */
export async function stageFiles(folder: string): Promise<Map<string, Uint8Array>> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    if (!name.endsWith('.bin')) continue;
    files.set(name.replaceAll('\\', '/'), new Uint8Array(await readFile(join(folder, name))));
  }
  return files;
}

/** Everything below a folder, manifests included. */
export async function allFileNames(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Bits of the elements of a stage file. */
export function elementWords(file: Uint8Array): Uint32Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return Uint32Array.from({ length: Math.floor((file.byteLength - 12) / 4) }, (_, i) =>
    view.getUint32(12 + 4 * i, true),
  );
}

export function elementFloats(file: Uint8Array): Float32Array {
  return new Float32Array(elementWords(file).buffer);
}

/** Differences between the files of a folder and the expected ones: missing, extra, or of another length. */
export function countWrongFiles(
  files: ReadonlyMap<string, Uint8Array>,
  expected: ReturnType<typeof expectedFiles>,
): number {
  let wrong = [...files.keys()].filter((path) => !expected.has(path)).length;
  for (const [path, elementCount] of expected) {
    if (files.get(path)?.byteLength !== 12 + 4 * elementCount) wrong += 1;
  }
  return wrong;
}

export function countDifferingBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): number {
  if (a === undefined || b === undefined || a.length !== b.length) return Math.max(a?.length ?? 1, b?.length ?? 1);
  return a.filter((byte, i) => byte !== b[i]).length;
}

export interface CaptureRequest {
  tokens: readonly number[];
  /** As after `--save-tensor`. */
  stages: string;
  layers?: readonly number[];
}

let captureCount = 0;

/** What `apr trace --save-tensor` does behind its flags, in this process. Gives the folder. */
export async function captureHere(
  context: PartContext,
  model: Model,
  executor: Executor,
  { tokens, stages, layers }: CaptureRequest,
): Promise<string> {
  captureCount += 1;
  const folder = join(context.folder, `capture-${captureCount}`);
  await mkdir(folder, { recursive: true });
  const { program } = executor;
  const chosen = selectStages(program, {
    names: parseStages(stages),
    layers: layers ?? Array.from({ length: program.layerCount }, (_, i) => i),
  });
  const writer = await CaptureWriter.create(folder, {
    schemaVersion: 1,
    model: { name: 'model', sha256: await model.sha256(), architecture: model.config.architecture },
    tokens,
    positions: 'all',
    prompt: null,
    chatTemplateApplied: false,
    origin: { executor: executor.id, adapter: executor.adapter, profile: executor.profile, versions: {} },
  });
  await captureRun({ executor, tokens, stages: chosen.stages, positions: 'all', sink: writer });
  await writer.finish();
  return folder;
}

/** Runs `apr trace` on token ids, into a fresh folder unless the arguments name one. */
export async function traceProgram(
  context: PartContext,
  model: string,
  tokens: readonly number[],
  argv: readonly string[],
): Promise<ProgramResult & { folder: string }> {
  captureCount += 1;
  const folder = join(context.folder, `trace-${captureCount}`);
  const cwd = join(context.folder, 'elsewhere');
  await mkdir(cwd, { recursive: true });
  const saving = argv.includes('--save-tensor') && !argv.includes('--save-tensor-dir');
  const result = await context.program(
    'apr',
    [
      'trace',
      model,
      '--tokens',
      tokens.join(','),
      '--no-gpu',
      ...argv,
      ...(saving ? ['--save-tensor-dir', folder] : []),
    ],
    { cwd },
  );
  return { ...result, folder };
}

/** What the stage table needs to know of a generated model. */
export function shapeOf({ shape }: TinyModel): Parameters<typeof expectedFiles>[0] {
  return { ...shape, vocabSize: TINY_VOCAB_SIZE, hasBias: shape.architecture === 'qwen2' };
}
