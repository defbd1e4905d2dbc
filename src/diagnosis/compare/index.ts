// Comparing two of a kind: tensors, positions, captures, models, metadata.
export { TensorComparer, type Divergence, type TensorComparison } from './tensors.ts';
export { topIndices, type ChoiceComparison } from './positions.ts';
export { compareModels, configEntries } from './models.ts';
export type { ConfigDifference, ConfigValue, ModelComparison, TensorDifference, TensorSummary } from './models.ts';
export { preview, type MetadataDifference, type MetadataPreview } from './metadata.ts';
export { compareModelValues, type TensorValues } from './model-values.ts';
export { compareCaptures, type CaptureComparison, type StageComparison } from './captures.ts';
