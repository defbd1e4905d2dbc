// Ids, end tokens and decoded text beside llama.cpp's on the corpus of hostile strings, for every way in which a
// byte-level vocabulary cuts text. The bundled model, SmolLM2 and SentencePiece are FALSIFY-TOKPAR-001 to -004.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openModel, type GgufEntry } from '../../../src/engine/index.ts';
import { ggufEntry } from '../../fixtures/gguf.ts';
import { loadLlamaCpp, type LlamaCppAvailability } from '../../../src/oracles/external/index.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyGguf } from '../../fixtures/tiny-model.ts';
import { bpeMetadata, type Metadata } from './vocabularies.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const corpus = JSON.parse(readFileSync(join(root, 'falsifiers/vectors/tokenizer-parity/corpus.json'), 'utf8')) as {
  strings: { id: string; text: string }[];
};
const folder = await temporaryFolder();
let loaded: LlamaCppAvailability;

beforeAll(async () => {
  loaded = await loadLlamaCpp();
});

afterAll(async () => {
  if (loaded.available) await loaded.llama.close();
});

async function compare(path: string): Promise<string[]> {
  if (!loaded.available) throw new Error(loaded.reason);
  const model = await openModel(path);
  const oracle = await loaded.llama.openModel(path, { vocabOnly: true });
  const differences: string[] = [];
  const check = (where: string, ours: unknown, theirs: unknown): void => {
    const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
    if (a !== b) differences.push(`${where}: ${a}, llama.cpp ${b}`);
  };
  for (const { id, text } of corpus.strings) {
    for (const parseSpecial of [false, true]) {
      const ids = oracle.tokenize(text, { parseSpecial });
      check(`${id} ${parseSpecial}`, model.text.encode(text, { parseSpecial, addBos: false }), ids);
      for (const keepSpecial of [false, true]) {
        check(`${id} decoded`, model.text.decode(ids, { keepSpecial }), oracle.detokenize(ids, { keepSpecial }));
      }
    }
  }
  for (let id = 0; id < model.text.vocabSize; id += 1) check(`end ${id}`, model.text.endIds.has(id), oracle.isEnd(id));
  await oracle.close();
  await model.close();
  return differences;
}

async function write(name: string, metadata: Metadata): Promise<string> {
  const types: Readonly<Record<string, Parameters<typeof ggufEntry>[1]>> = {
    'tokenizer.ggml.tokens': 'string[]',
    'tokenizer.ggml.merges': 'string[]',
    'tokenizer.ggml.scores': 'f32[]',
    'tokenizer.ggml.token_type': 'i32[]',
    'tokenizer.ggml.bos_token_id': 'u32',
    'tokenizer.ggml.eos_token_id': 'u32',
    'tokenizer.ggml.add_bos_token': 'bool',
  };
  const entries: Record<string, GgufEntry | undefined> = { 'tokenizer.ggml.add_bos_token': undefined };
  for (const [key, value] of metadata) {
    if (key.startsWith('tokenizer.'))
      entries[key] = ggufEntry(key, types[key] ?? 'string', value as GgufEntry['value']);
  }
  if (!metadata.has('tokenizer.ggml.scores')) entries['tokenizer.ggml.scores'] = undefined;
  const path = join(folder, `${name}.gguf`);
  const vocabSize = (metadata.get('tokenizer.ggml.tokens') as string[]).length;
  await writeFile(path, tinyGguf({ vocabSize, entries }));
  return path;
}

const MERGES = `h e, i n, t h, t he, Ġ t, Ġt he, l l, Ġ a, Ġ Ġ, ĠĠ ĠĠ, Ã ©, Ċ Ċ, 1 2, ' s, e r, o n`.split(', ');
/** `ll` is made by a merge and is not a token. */
const bpe = (pre: string): Metadata => {
  const metadata = bpeMetadata(MERGES, { 'tokenizer.ggml.pre': pre });
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  tokens[tokens.indexOf('ll')] = 'instead';
  return metadata;
};

// Those with which llama.cpp decodes losslessly; with the others it also deletes spaces before punctuation.
test.for(['smollm', 'qwen2', 'qwen35', 'tekken'])('a byte-level vocabulary cut as %s', async (pre, { skip }) => {
  if (!loaded.available) skip(loaded.reason);
  const differences = await compare(await write(pre, bpe(pre)));
  expect(differences).toEqual([]);
});

test.for([
  'default',
  'gpt-2',
  'llama-bpe',
  'dbrx',
  'falcon',
  'starcoder',
  'stablelm2',
  'minicpm5',
  'jais-2',
  'ufakzeka',
  'laguna',
  'seed-coder',
  'exaone-moe',
  'bailingmoe',
  'gpt-4o',
  'granite-embed-multi-97m',
  'superbpe',
  'deepseek-llm',
  'deepseek-coder',
  'deepseek-v3',
  'spark2_5',
  'bloom',
  'viking',
  'chameleon',
])('a byte-level vocabulary cut as %s, ids only', async (pre, { skip }) => {
  if (!loaded.available) skip(loaded.reason);
  const differences = await compare(await write(pre, bpe(pre)));
  expect(differences.filter((difference) => !difference.includes(' decoded: '))).toEqual([]);
});
