// What a GGUF file may claim. Each limit has the reason above it; a claim is checked before memory is spent on it.

/** The specification's own limit on keys (2^16 − 1). */
export const MAX_KEY_BYTES = 65_535;

/** The specification's own limit on tensor names. */
export const MAX_TENSOR_NAME_BYTES = 64;

/** The longest string in use is a whole tokenizer.json, below 40 MB; V8 stops at 512 MB. */
export const MAX_STRING_BYTES: number = 2 ** 26;

/** Files in use have below 100 entries. */
export const MAX_METADATA_ENTRIES = 65_536;

/** All arrays of a file together. A vocabulary of 262,144 with scores, types and 514,000 merges has 1.3 million. */
export const MAX_ARRAY_ELEMENTS: number = 2 ** 24;

/** The specification allows arrays of arrays, though no known file has them; recursion must end somewhere. */
export const MAX_ARRAY_DEPTH = 4;

/** The largest published files (hundreds of experts, one tensor each) stay below 100,000. */
export const MAX_TENSORS: number = 2 ** 18;

/** GGML has four dimensions. */
export const MAX_DIMENSIONS = 4;

/** Files in use say 32; a page of any kind is at most 2 MiB. */
export const MAX_ALIGNMENT: number = 2 ** 21;

/** Where `general.alignment` is absent; the specification's number. */
export const DEFAULT_ALIGNMENT = 32;

/** Everything before the tensor data. The largest known is about 30 MB. */
export const MAX_HEADER_BYTES: number = 2 ** 29;
