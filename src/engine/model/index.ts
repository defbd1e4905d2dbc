// A model's file without its program, for what runs nothing: its closure has no kernel in it.
export { openFile } from '../io/open-file.ts';
export { openModelFile } from './open-model-file.ts';
