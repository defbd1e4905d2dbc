// What a tensor type is to the oracle: how many elements stand in how many bytes, and what they are worth. Types only.

export interface BlockFormat {
  blockElements: number;
  blockBytes: number;
  /** Writes the exact values of the block at `at` to out[first…first + blockElements). */
  decodeBlock: (bytes: DataView, at: number, out: Float64Array, first: number) => void;
}
