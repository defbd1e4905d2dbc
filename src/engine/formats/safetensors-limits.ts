// What a safetensors file may claim. Each limit has the reason above it.

/** The limit of the format's own reader. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The largest published files (hundreds of experts, one tensor each) stay below 100,000. */
export const MAX_TENSORS: number = 2 ** 18;

/** A tensor takes about eight JSON values. */
export const MAX_HEADER_VALUES: number = 2 ** 22;

/** header > tensor > shape: 3. */
export const MAX_HEADER_DEPTH = 4;

/** Names in use have below 200 bytes. */
export const MAX_NAME_CHARACTERS = 4_096;

/** PyTorch stops at 64; models use 5. */
export const MAX_DIMENSIONS = 64;

/** The largest published models have about 200 shards. */
export const MAX_SHARDS = 4_096;

/** An index of 100,000 tensors has about 10 MB. */
export const MAX_INDEX_BYTES: number = 2 ** 26;
