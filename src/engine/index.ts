// The engine's public face: what diagnosis, runner, falsifiers and cli may import.
export { openModel, openModelSource, type OpenModelOptions } from './model/open-model.ts';
export { openModelFile } from './model/open-model-file.ts';
export type { ModelFile } from './model/model-file.ts';
export type { Notice } from '../notice.ts';
export type { EmbeddingReport, FileEntry, FileTensor, Model, ModelTransform } from './model/model.ts';

export type { ConfigKey, ModelConfig, Provenance } from './program/config.ts';
export type {
  Executor,
  ExecutorId,
  ExecutorProvider,
  FloatArray,
  OpenOptions,
  RunRequest,
  RunResult,
  Session,
  Tap,
  WeightInfo,
  WeightSource,
} from './program/executor.ts';
export type { NumericProfile } from './program/numeric-profile.ts';
export { operands } from './program/program.ts';
export type {
  AttentionOp,
  Op,
  OpName,
  Program,
  RopePairing,
  RopeParameters,
  RopeScaling,
  Stage,
  StageSource,
  Value,
  ValueId,
  WeightName,
  WeightShape,
} from './program/program.ts';
export { chosenByLength, ropeByLength } from './config/rope-scaling.ts';
export { compileProgram } from './architectures/registry.ts';
export { parseStageId, STAGE_NAMES, stageId, unaliased, type StageName } from './program/stages.ts';

export { dequantize } from './cpu/dequantize.ts';
export {
  byteLengthOf,
  elementCountOf,
  TENSOR_TYPES,
  tensorTypeById,
  type TensorType,
  type TensorTypeName,
} from './formats/tensor-types.ts';
export type { ChatMessage, TextModel, TextStream } from './text/text-model.ts';
export { createTextModel } from './text/create-text-model.ts';
export {
  generate,
  type FinishReason,
  type GeneratedToken,
  type GenerateOptions,
  type GenerationEnd,
} from './text/generate.ts';
export { argmax, checkSampling, GREEDY, sampleToken, type SamplingOptions } from './text/sample.ts';
export { RandomSource } from './text/random-source.ts';

export { MemoryByteSource, type ByteSource } from './io/byte-source.ts';
export { openFile } from './io/open-file.ts';
export { sha256Bytes, sha256File } from './io/sha256.ts';
export { writeFileAtomic, type FileContent } from './io/write-file-atomic.ts';

export { readFormat, type FormatName } from './formats/magic.ts';
export { parseGguf, type GgufEntry, type GgufFile, type GgufTensor, type GgufValue } from './formats/gguf.ts';

export { checkProgram } from './program/check-program.ts';

export {
  APRT_HEADER_BYTES,
  parseAprt,
  parseAprtHeader,
  elementBytes,
  encodeAprtHeader,
  type AprtHeader,
  type AprtTensor,
} from './formats/aprt.ts';
export { captureRun, type CaptureRunOptions } from './capture/capture-run.ts';
export { StageCollector, valuesOf, type CollectOptions } from './capture/collect.ts';
export {
  parseManifest,
  encodeManifest,
  type CapturedFile,
  type CaptureManifest,
  type CaptureOrigin,
} from './capture/manifest.ts';
export { attentionScores, attentionSoftmax, type AttentionShape } from './capture/scores.ts';
export { parseLayerRange, parseLayers, parseStages, selectStages, type Positions } from './capture/select.ts';
export { MemorySink, StatisticsSink, teeSinks, type CapturedStage, type StageSink } from './capture/sink.ts';
export { StatisticsBuilder, statisticsOf, type TensorStatistics } from './capture/statistics.ts';
export { CaptureWriter } from './capture/write-capture.ts';
export { parseSafetensors, type SafetensorsFile } from './formats/safetensors.ts';
