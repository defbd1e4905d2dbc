// The engine's public face: what diagnosis, runner, falsifiers and cli may import.
export { openModel, openModelFrom, openModelSource } from './model/open-model.ts';
export { openModelFile, openModelFileFrom } from './model/open-model-file.ts';
export type { ModelFile } from './model/model-file.ts';
export type { Notice } from '../notice.ts';
export type { FileTensor, Model, ModelTransform } from './model/model.ts';
export { fileNames, oddWeights, type OddWeight, type OddWeights, type OddWeightsOptions } from './model/odd-weights.ts';

export type { ModelConfig, Provenance } from './program/config.ts';
export type {
  Connection,
  Executor,
  ExecutorId,
  ExecutorProvider,
  FloatArray,
  OpenOptions,
} from './program/executor.ts';
export type { RunRequest, Session, StepUsage, Tap, WeightSource } from './program/executor.ts';
export type { DeclaredFormats, NumericProfile } from './program/numeric-profile.ts';
export { operands } from './program/program.ts';
export type { Op, Program, Stage } from './program/program.ts';
export { chosenByLength } from './config/rope-scaling.ts';
export { parseStageId, STAGE_NAMES, stageId, unaliased } from './program/stages.ts';

export { dequantize } from './cpu/dequantize.ts';
export { TENSOR_TYPES } from './formats/tensor-types.ts';
export type { ChatMessage, TextModel } from './text/text-model.ts';
export { createTextModel } from './text/create-text-model.ts';
export { promptIds, promptText, textNotices } from './text/prompt-ids.ts';
export { generate, type FinishReason } from './text/generate.ts';
export { argmax, checkSampling, isFlat, logitRange, type LogitRange, type SamplingOptions } from './text/sample.ts';
export { RandomSource } from './text/random-source.ts';

export { MemoryByteSource, type ByteSource } from './io/byte-source.ts';
export { chosenFiles, type ChosenFile } from './io/chosen-files.ts';
export type { Files } from './io/files.ts';
export { openFile } from './io/open-file.ts';
export { writeFileAtomic } from './io/write-file-atomic.ts';

export { readFormat } from './formats/magic.ts';
export { type GgufEntry } from './formats/gguf.ts';

export { APRT_HEADER_BYTES, parseAprtHeader, type AprtHeader } from './formats/aprt.ts';
export { captureRun } from './capture/capture-run.ts';
export { StageCollector, valuesOf } from './capture/collect.ts';
export { type CaptureManifest } from './capture/manifest.ts';
export { rotaryLayoutOf } from './capture/rotary-layout.ts';
export { parseLayerRange, parseLayers, parseStages, selectStages, type Positions } from './capture/select.ts';
export { MemorySink, StatisticsSink, teeSinks, type CapturedStage, type StageSink } from './capture/sink.ts';
export { StatisticsBuilder, type TensorStatistics } from './capture/statistics.ts';
export { CaptureWriter } from './capture/write-capture.ts';
