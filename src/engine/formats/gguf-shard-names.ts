// The names of the files of a split GGUF model, as llama-gguf-split gives them: <stem>-0000N-of-0000M.gguf.

const SHARD_NAME = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/is;

/** llama.cpp stores the number of files in 16 bits. */
export const MAX_SHARD_COUNT = 65_535;

/** All names of the split that `name` belongs to by its looks; only itself where it has none. */
export function shardNames(name: string): string[] {
  const [, stem, , digits = '', end] = SHARD_NAME.exec(name) ?? [];
  const count = Number(digits);
  if (stem === undefined || count < 1 || count > MAX_SHARD_COUNT) return [name];
  return Array.from({ length: count }, (_, no) => `${stem}-${String(no + 1).padStart(5, '0')}-of-${digits}${end}`);
}
