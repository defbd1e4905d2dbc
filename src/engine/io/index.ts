// Reading and writing files, for who needs nothing else of the engine: the runner's receipts hang on this alone.
export { sha256File } from './sha256.ts';
export { writeFileAtomic } from './write-file-atomic.ts';
