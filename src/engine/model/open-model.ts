// Files -> Model: config, program, weights, checks, in this order. Reads headers and a few rows; weights stay in their
// files until an executor asks.
import type { ByteSource } from '../io/byte-source.ts';
import { DISK } from '../io/disk.ts';
import type { Files } from '../io/files.ts';
import type { ModelFile } from './model-file.ts';
import type { Notice } from '../../notice.ts';
import type { Model, ModelTransform } from './model.ts';
import { openModelFileFrom, openModelFileSource } from './open-model-file.ts';
import { ARCHITECTURES, compileProgram } from '../architectures/registry.ts';
import { checkFactors } from './check-factors.ts';
import { checkWeights } from './check-weights.ts';
import { splitFusedRows } from './fused-rows.ts';
import { settleHead } from './tied-head.ts';
import { inspectEmbedding } from './inspect-embedding.ts';
import { unreadTensors } from './unread-tensors.ts';
import type { WeightName } from '../program/program.ts';
import type { TextModel } from '../text/text-model.ts';

export interface OpenModelOptions {
  /** Planted faults; each hook sees what the file said and answers what the product is to believe. */
  transform?: ModelTransform;
  /** Called once per notice, in order; the same notices are in the model. */
  onNotice?: (notice: Notice) => void;
}

/**
 * Opens a model: a GGUF file, or a folder with a GGUF file or with safetensors and config.json.
 *
 * @throws RefuteError as openModelFile, ModelFile.readConfig, checkWeights, checkFactors and unreadTensors do
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  return openModelFrom(DISK, path, options);
}

/** As `openModel`, wherever `files` are: a page has those that were chosen. */
export async function openModelFrom(files: Files, path: string, options: OpenModelOptions = {}): Promise<Model> {
  return loadModel(await openModelFileFrom(files, path), options);
}

/** As `openModel`, from bytes that are open already. The model owns the source from here on, also when this throws. */
export async function openModelSource(source: ByteSource, options: OpenModelOptions = {}): Promise<Model> {
  return loadModel(await openModelFileSource(DISK, source), options);
}

async function loadModel(file: ModelFile, options: OpenModelOptions): Promise<Model> {
  try {
    return await readModel(file, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readModel(file: ModelFile, { transform = {}, onNotice }: OpenModelOptions): Promise<Model> {
  const { path, format, byteLength, metadata } = file;
  const notices: Notice[] = [...file.notices];
  const stated = file.readConfig();
  notices.push(...stated.notices);
  const read = await settleHead(file, stated.config);
  notices.push(...read.notices);
  const config = transform.config?.(read.config) ?? read.config;
  const compiled = compileProgram(config);
  const program = transform.program?.(compiled) ?? compiled;
  // The file's own program says what is in the file: a planted fault that forgets a bias must reach the run.
  const ownProgram = compileProgram(read.config);
  const { fused } = ARCHITECTURES.get(read.config.architecture) ?? {};
  const { tensors, weights } = splitFusedRows(path, ownProgram, read, fused);
  const storedNames = new Map(tensors.map(({ name, storedName = name }) => [name, storedName]));
  const nameInFile = (name: WeightName): string => storedNames.get(name) ?? file.nameInFile(name);
  const checked = checkWeights(path, program, transform.weights?.(weights) ?? weights, nameInFile, [
    ...storedNames.values(),
  ]);
  notices.push(...checked.notices);
  await checkFactors(path, program, checked.weights);
  notices.push(...unreadTensors(path, ownProgram, tensors, ARCHITECTURES));
  const text = file.readText((notice) => notices.push(notice));
  const inspected = await inspectEmbedding(path, program, checked.weights, {
    tokenCount: text.rowsNeeded,
    nameInFile,
    firstTokenType: firstElement(file.tokenizer.get('tokenizer.ggml.token_type')),
  });
  notices.push(...inspected.notices);
  for (const notice of notices) onNotice?.(notice);

  let sha256: Promise<string> | undefined;
  return {
    path,
    files: file.files,
    entryPath: file.entryPath,
    format,
    byteLength,
    config,
    program,
    weights: checked.weights,
    shapes: { fitting: checked.fitting, wanted: program.weights.length },
    embedding: inspected.embedding,
    tensors,
    metadata,
    notices,
    text: transform.tokens === undefined ? text : withTokens(text, transform),
    sha256: (onProgress) => (sha256 ??= file.sha256(onProgress)),
    close: () => file.close(),
  };
}

function firstElement(list: unknown): unknown {
  return Array.isArray(list) ? (list[0] as unknown) : undefined;
}

/** `text` with every encoded prompt changed; everything else, private state included, stays the original's. */
function withTokens(text: TextModel, transform: ModelTransform): TextModel {
  return new Proxy(text, {
    get(target, name): unknown {
      if (name === 'encode') {
        return (...args: Parameters<TextModel['encode']>) => {
          const tokens = target.encode(...args);
          return transform.tokens?.(tokens) ?? tokens;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
