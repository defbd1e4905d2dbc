// What the command line, the runner and the falsifiers may import of diagnosis.
export {
  compareTensors,
  TensorComparer,
  type CosineUndefined,
  type Divergence,
  type TensorComparison,
} from './compare/tensors.ts';
export { compareChoices, topIndices, type ChoiceComparison } from './compare/positions.ts';
export {
  compareModels,
  configEntries,
  type ConfigDifference,
  type ConfigValue,
  type ModelComparison,
  type TensorDifference,
  type TensorSummary,
} from './compare/models.ts';
export { compareMetadata, preview, type MetadataDifference, type MetadataPreview } from './compare/metadata.ts';
export { compareModelValues, type TensorValues, type ValuesOptions } from './compare/model-values.ts';
export { FAULTS, plant } from './faults/catalogue.ts';
export {
  BUG_CLASSES,
  type BugClass,
  type CataloguePlant,
  type Fault,
  type FaultInjection,
  type FaultVariant,
} from './faults/fault.ts';
export {
  compareCaptures,
  type CaptureComparison,
  type CaptureSelection,
  type StageComparison,
} from './compare/captures.ts';
export { checkModel, type CheckOptions, type CheckReport } from './check/check-model.ts';
export type { OpResult } from './check/judge.ts';
export type { Bracket, Coverage, VerdictWord } from './check/verdict.ts';
export type { Verification } from './check/verify-program.ts';
export { checkDump, type CheckDumpOptions } from './check/check-dump.ts';
export { isRecording, openRecording } from './recordings/open-recording.ts';
export { openPack, producerOf, type Pack } from './recordings/open-pack.ts';
export type { RecordedTensor, Recording } from './recordings/recording.ts';
export { parseStageMap, readStageMap } from './recordings/stage-map.ts';
export { findVouchers, isSameProgram, type Vouchers } from './recordings/vouchers.ts';
export { compareEngines, type ParityOptions, type ParityReport } from './parity/compare-engines.ts';
export type { PositionParity } from './parity/compare.ts';
export { likeliest, logitsOf } from './parity/distributions.ts';
export { openCommand, openEndpoint, openLlamaCpp, type OutsideEngine } from './parity/outside-engine.ts';
export { openPackEngine } from './parity/pack-engine.ts';
export type { ParityWord } from './parity/parity-verdict.ts';
export { ownProfile, PROFILE_NAMES, profileNamed } from './parity/profiles.ts';
