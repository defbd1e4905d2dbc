// Comparing two of a kind: tensors, positions, captures, models, metadata.
export {
  compareTensors,
  TensorComparer,
  type CosineUndefined,
  type Divergence,
  type TensorComparison,
} from './tensors.ts';
export { compareChoices, topIndices, type ChoiceComparison } from './positions.ts';
export {
  compareModels,
  configEntries,
  type ConfigDifference,
  type ConfigValue,
  type ModelComparison,
  type TensorDifference,
  type TensorSummary,
} from './models.ts';
export { compareMetadata, preview, type MetadataDifference, type MetadataPreview } from './metadata.ts';
export { compareModelValues, type TensorValues, type ValuesOptions } from './model-values.ts';
export { compareCaptures, type CaptureComparison, type CaptureSelection, type StageComparison } from './captures.ts';
