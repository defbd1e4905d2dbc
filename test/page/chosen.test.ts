// Which models are among the files that were chosen.
import { expect, it } from 'vitest';
import { filesOfList, modelsAmong } from '../../src/page/chosen.ts';

const among = (...paths: string[]): string[] => modelsAmong(paths.map((path) => ({ path, blob: new Blob() })));

it('finds GGUF files and folders with a config.json, a split model once', () => {
  expect(among('m/b.gguf', 'm/a.GGUF', 'm/hf/config.json', 'm/hf/model.safetensors')).toEqual([
    'm/a.GGUF',
    'm/b.gguf',
    'm/hf',
  ]);
  expect(among('m/x-00002-of-00002.gguf', 'm/x-00001-of-00002.gguf')).toEqual(['m/x-00001-of-00002.gguf']);
});

it('passes over what is no model, and names the first file where nothing is', () => {
  expect(among('m/mmproj-a.gguf', 'm/._b.gguf', 'm/c.gguf')).toEqual(['m/c.gguf']);
  expect(among('notes.txt')).toEqual(['notes.txt']);
});

it('puts files that were chosen together into one folder', () => {
  const files = ['config.json', 'model.safetensors'].map((name) => new File(['x'], name));
  expect(filesOfList(files).map(({ path }) => path)).toEqual(['chosen/config.json', 'chosen/model.safetensors']);
  expect(modelsAmong(filesOfList(files))).toEqual(['chosen']);
  expect(filesOfList(files.slice(0, 1)).map(({ path }) => path)).toEqual(['config.json']);
});
