// The functions of llama.cpp's C interface that the child calls, and its structs as bytes. Whether this build's structs
// are those of the table is asked before any is written. Loading this loads llama.cpp into the process.
import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { layoutOf, type Layout } from './layouts.ts';
import type { PackageBuild } from './package-build.ts';

/** The address of something of theirs; 0 is none. */
export type Address = bigint;

/** Bytes of a struct that is passed by value. The callee reads its own size from the front; no argument follows. */
interface StructBytes {
  bytes: Uint8Array;
}
const STRUCT_BYTES = 512;

/** `llama_batch`. The arrays must live until the call is over. */
interface Batch {
  tokenCount: number;
  tokens: Int32Array;
  embeddings: null;
  positions: Int32Array;
  sequenceCounts: Int32Array;
  sequences: BigInt64Array;
  wantsLogits: Int8Array;
}

export interface Native {
  layout: Layout;
  loadBackend: (path: string) => Address | null;
  modelDefaults: () => StructBytes;
  contextDefaults: () => StructBytes;
  loadModel: (path: string, parameters: StructBytes) => Address | null;
  newContext: (model: Address, parameters: StructBytes) => Address | null;
  freeContext: (context: Address) => void;
  memoryOf: (context: Address) => Address;
  /** Forgets positions from `first` to before `end`; −1: to the last. */
  forget: (memory: Address, sequence: number, first: number, end: number) => boolean;
  decode: (context: Address, batch: Batch) => number;
  logitsOf: (context: Address) => Address;
  opDescription: (tensor: Address) => string;
  typeName: (type: number) => string;
  byteLengthOf: (tensor: Address) => number | bigint;
  readTensor: (tensor: Address, into: Uint8Array, from: number, byteLength: number) => void;
}

/** Called twice for a node: whether it is wanted, and after it was computed. False of the second call ends the run. */
type EvalCallback = (tensor: Address, isQuestion: boolean) => boolean;

/** One reading of koffi gives 64 MiB at most. */
const READING_BYTES = 2 ** 25;

export function bytesAt(address: Address, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  for (let done = 0; done < byteLength; done += READING_BYTES) {
    const count = Math.min(READING_BYTES, byteLength - done);
    bytes.set(koffi.decode(address + BigInt(done), koffi.array('uint8_t', count, 'Typed')) as Uint8Array, done);
  }
  return bytes;
}

export function addressOf(array: NodeJS.TypedArray): Address {
  return koffi.address(array);
}

/** @returns what to write where a pointer to a function is wanted */
export function evalCallbackAddress(callback: EvalCallback): Address {
  const type = koffi.proto('bool RefuteEvalCallback(void *tensor, bool isQuestion, void *data)');
  return koffi.register(callback, koffi.pointer(type));
}

export function fieldsOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** What a CPU build thinks of this processor; 0: it does not run here. */
export function scoreOf(library: string): number {
  const score = koffi.load(library).func('int ggml_backend_score()') as () => number;
  return score();
}

/** @returns the functions, or what the build is where its structs are not known */
export function loadNative({ folder, release }: PackageBuild): Native | { unknownBuild: string } {
  // Each finds the one before it among the symbols that are loaded.
  const [base, ggml, llama] = ['libggml-base.so', `libggml.${release}.so`, `libllama.${release}.so`].map((name) =>
    koffi.load(join(folder, name), { lazy: false, global: true }),
  ) as [LibraryHandle, LibraryHandle, LibraryHandle];
  koffi.struct('RefuteStruct', { bytes: koffi.array('uint8_t', STRUCT_BYTES, 'Typed') });
  koffi.struct('RefuteBatch', {
    tokenCount: 'int32_t',
    tokens: 'void *',
    embeddings: 'void *',
    positions: 'void *',
    sequenceCounts: 'void *',
    sequences: 'void *',
    wantsLogits: 'void *',
  });
  const commit = (base.func('const char *ggml_commit()') as () => string)();
  const modelDefaults = llama.func('RefuteStruct llama_model_default_params()') as Native['modelDefaults'];
  const contextDefaults = llama.func('RefuteStruct llama_context_default_params()') as Native['contextDefaults'];
  const tensorOverhead = Number((base.func('size_t ggml_tensor_overhead()') as () => number | bigint)());
  const [model, context] = [wordsOf(modelDefaults()), wordsOf(contextDefaults())];
  const layout = layoutOf({ commit, tensorOverhead, modelDefaults: model, contextDefaults: context });
  if (layout === null) return { unknownBuild: `${release} (${commit})` };
  const opDescription = 'const char *ggml_op_desc(void *tensor)';
  const readTensor = 'void ggml_backend_tensor_get(void *tensor, void *into, size_t from, size_t byteLength)';
  const loadModel = 'void *llama_model_load_from_file(const char *path, RefuteStruct parameters)';
  return {
    layout,
    modelDefaults,
    contextDefaults,
    loadBackend: ggml.func('void *ggml_backend_load(const char *path)') as Native['loadBackend'],
    loadModel: llama.func(loadModel) as Native['loadModel'],
    newContext: llama.func('void *llama_init_from_model(void *model, RefuteStruct p)') as Native['newContext'],
    freeContext: llama.func('void llama_free(void *context)') as Native['freeContext'],
    memoryOf: llama.func('void *llama_get_memory(void *context)') as Native['memoryOf'],
    forget: llama.func('bool llama_memory_seq_rm(void *memory, int s, int first, int end)') as Native['forget'],
    decode: llama.func('int llama_decode(void *context, RefuteBatch batch)') as Native['decode'],
    logitsOf: llama.func('void *llama_get_logits(void *context)') as Native['logitsOf'],
    opDescription: base.func(opDescription) as Native['opDescription'],
    typeName: base.func('const char *ggml_type_name(int type)') as Native['typeName'],
    byteLengthOf: base.func('size_t ggml_nbytes(void *tensor)') as Native['byteLengthOf'],
    readTensor: base.func(readTensor) as Native['readTensor'],
  };
}

function wordsOf({ bytes }: StructBytes): number[] {
  const fields = fieldsOf(bytes);
  return Array.from({ length: bytes.byteLength / 4 }, (_, i) => fields.getInt32(4 * i, true));
}
