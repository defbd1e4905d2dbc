// What the tokenizer claims measure with: the product's tokenizer of a file, as a library and as `apr tokenize`, beside
// the slow one and llama.cpp. One measurement is one string: 0 where the ids are the same, 1 where they are not.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseGguf } from '../../src/engine/formats/gguf.ts';
import { openFile } from '../../src/engine/io/open-file.ts';
import { RefuteError } from '../../src/errors.ts';
import { createTextModel } from '../../src/engine/text/create-text-model.ts';
import type { TextModel } from '../../src/engine/text/text-model.ts';
import { loadLlamaCpp, type LlamaCppModel } from '../../src/oracles/external/llama-cpp.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { NO_TOKEN, slowEncoder, type CodePointRanges, type SlowEncode } from './slow.ts';
import { TOKEN_KIND, vocabularyFile, type SlowVocabulary } from './vocabularies.ts';

export const VECTORS = 'falsifiers/vectors/tokenizer-parity';

/** Strings of the corpus. */
export const CORPUS_SIZE = 551;

export interface CorpusString {
  id: string;
  text: string;
}

export async function readCorpus(context: PartContext): Promise<CorpusString[]> {
  return (await readJson<{ strings: CorpusString[] }>(context, `${VECTORS}/corpus.json`)).strings;
}

export async function readJson<Shape>(context: PartContext, path: string): Promise<Shape> {
  return JSON.parse(await readFile(context.data(path), 'utf8')) as Shape;
}

/** llama.cpp cuts text by the tables of Unicode 15.1; what these do not know is in a file of its own. */
export async function slow(context: PartContext, vocabulary: SlowVocabulary): Promise<SlowEncode> {
  const { ranges } = await readJson<{ ranges: CodePointRanges }>(context, `${VECTORS}/unassigned-15.1.json`);
  return slowEncoder(vocabulary, ranges);
}

/** The tokenizer of a GGUF file, built as the product builds it. */
export async function textModelOf(path: string): Promise<TextModel> {
  const source = await openFile(path);
  try {
    return createTextModel((await parseGguf(source)).metadata);
  } finally {
    await source.close();
  }
}

/** A generated vocabulary as a file below the part's folder. */
export async function writeVocabulary(context: PartContext, name: string, vocabulary: SlowVocabulary): Promise<string> {
  const path = join(context.folder, `${name}.gguf`);
  await writeFile(path, vocabularyFile(vocabulary));
  return path;
}

export interface Subject {
  vocabulary: SlowVocabulary;
  model: TextModel;
  slow: SlowEncode;
}

/** Product and slow tokenizer of each vocabulary, all from the same written file and the same lists. */
export async function subjects(context: PartContext, vocabularies: readonly SlowVocabulary[]): Promise<Subject[]> {
  const made: Subject[] = [];
  for (const [i, vocabulary] of vocabularies.entries()) {
    const model = await textModelOf(await writeVocabulary(context, `vocabulary-${i}`, vocabulary));
    made.push({ vocabulary, model, slow: await slow(context, vocabulary) });
  }
  return made;
}

export function differs(a: readonly number[], b: readonly number[]): number {
  return a.length === b.length && a.every((id, i) => id === b[i]) ? 0 : 1;
}

/** The ids of a text; `null` where the product refuses it for a character without tokens. */
function idsOrRefusal(model: TextModel, text: string, parseSpecial: boolean): number[] | null {
  try {
    return model.encode(text, { parseSpecial, addBos: false });
  } catch (error) {
    if (error instanceof RefuteError && error.code === 'E_TEXT_UNENCODABLE') return null;
    throw error;
  }
}

/**
 * Every text with and without whole tokens, by `apr tokenize` on a file of JSON lines, against the slow tokenizer. A text
 * without ids ends such a run, so the library is asked about it.
 */
export async function compareProgram(
  context: PartContext,
  path: string,
  expected: SlowEncode,
  texts: readonly CorpusString[],
): Promise<void> {
  const list = join(context.folder, 'texts.jsonl');
  const model = await textModelOf(path);
  for (const parseSpecial of [false, true]) {
    const asked = texts.map((entry) => ({ ...entry, ids: expected(entry.text, { parseSpecial }) }));
    const [whole, refused] = [
      asked.filter(({ ids }) => !ids.includes(NO_TOKEN)),
      asked.filter(({ ids }) => ids.includes(NO_TOKEN)),
    ];
    await writeFile(list, whole.map(({ text }) => `${JSON.stringify(text)}\n`).join(''));
    const special = parseSpecial ? ['--special'] : [];
    const said = await context.program('apr', ['tokenize', path, '--file', list, '--json-lines', ...special]);
    const lines = said.exitCode === 0 ? said.stdout.trimEnd().split('\n') : [];
    for (const [i, { id, ids }] of whole.entries()) {
      const ours = JSON.parse(lines[i] ?? '[-1]') as number[];
      context.measure(differs(ours, ids), `${id}, ${modeText(parseSpecial)}`);
      context.output(JSON.stringify(ours));
    }
    for (const { id, text } of refused) {
      const ours = idsOrRefusal(model, text, parseSpecial);
      context.measure(ours === null ? 0 : 1, `${id}, ${modeText(parseSpecial)}, refused`);
      context.output(JSON.stringify(ours));
    }
  }
}

function modeText(parseSpecial: boolean): string {
  return parseSpecial ? 'whole tokens parsed' : 'as plain text';
}

/** llama.cpp's tokenizer of each file in turn; its identity is recorded with the digest of all that it answered. */
export async function withLlamaCpp(
  context: PartContext,
  use: (open: (path: string) => Promise<LlamaCppModel>, answered: (answer: unknown) => void) => Promise<void>,
): Promise<void> {
  const loaded = await loadLlamaCpp();
  if (!loaded.available) throw new Error(loaded.reason);
  const { llama } = loaded;
  const opened: LlamaCppModel[] = [];
  const answers = createHash('sha256');
  try {
    await use(
      async (path) => {
        const model = await llama.openModel(path, { vocabOnly: true });
        opened.push(model);
        return model;
      },
      (answer) => void answers.update(`${JSON.stringify(answer)}\n`),
    );
    context.oracle({ name: llama.name, version: llama.version, digest: answers.digest('hex') });
  } finally {
    for (const model of opened) await model.close();
    await llama.close();
  }
}

/** Every text with and without whole tokens, against llama.cpp on the same file. */
export async function compareLlamaCpp(
  context: PartContext,
  files: readonly { path: string; texts: readonly CorpusString[] }[],
): Promise<void> {
  await withLlamaCpp(context, async (open, answered) => {
    for (const { path, texts } of files) {
      const model = await textModelOf(path);
      const oracle = await open(path);
      for (const { id, text } of texts) {
        for (const parseSpecial of [false, true]) {
          const theirs = oracle.tokenize(text, { parseSpecial });
          const ours = idsOrRefusal(model, text, parseSpecial);
          answered(theirs);
          // What has no token llama.cpp drops, and the product refuses.
          const isLost = (): boolean => oracle.detokenize(theirs, { keepSpecial: true }) !== text.toWellFormed();
          const value = ours === null ? Number(!isLost()) : differs(ours, theirs);
          context.measure(value, `${id}, ${modeText(parseSpecial)}`);
          context.output(JSON.stringify(ours));
        }
      }
    }
  });
}

interface TrainerTokenizer {
  model: { vocab: Record<string, number>; merges: [string, string][] };
  added_tokens: { id: number; content: string }[];
}

/** The bundled model's vocabulary as its trainer wrote it: no GGUF and nothing of the product is in the way. */
export async function trainerVocabulary(context: PartContext): Promise<SlowVocabulary> {
  const { model, added_tokens: added } = await readJson<TrainerTokenizer>(context, 'models/sums-2m/hf/tokenizer.json');
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  const kinds = tokens.map((): number => TOKEN_KIND.normal);
  for (const { id, content } of added) [tokens[id], kinds[id]] = [content, TOKEN_KIND.control];
  return { kind: 'bpe', pre: 'qwen2', tokens, kinds, merges: model.merges, scores: [], hasSpacePrefix: false };
}

/** The vocabulary lists of a GGUF file, by the product's reader, which gguf-reader-v1 judges. */
export async function fileVocabulary(path: string): Promise<SlowVocabulary> {
  const source = await openFile(path);
  const { metadata } = await parseGguf(source);
  await source.close();
  const value = (key: string): unknown => metadata.get(`tokenizer.ggml.${key}`);
  const list = (key: string): unknown[] => (value(key) ?? []) as unknown[];
  const merges = (list('merges') as string[]).map((merge): [string, string] => {
    const space = merge.indexOf(' ', 1);
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
  const kind = value('model') === 'llama' ? 'sentencepiece' : 'bpe';
  const tokens = list('tokens') as string[];
  const kinds = Array.from(list('token_type') as number[]);
  // What ends a text ends it in llama.cpp whatever the file says of it; Gemma has it among its markup.
  const end = tokens.indexOf('</s>');
  if (end !== -1) kinds[end] = TOKEN_KIND.control;
  return {
    kind,
    pre: String(value('pre')),
    tokens,
    kinds,
    merges,
    scores: list('scores') as number[],
    hasSpacePrefix: kind === 'sentencepiece' && value('add_space_prefix') !== false,
  };
}

export interface SentencePieceVectors {
  producer: { name: string; version: string };
  tokens: [token: string, score: number, kind: number][];
  ids: Record<string, number[]>;
}

/** What SentencePiece itself trained, with its own ids for the corpus. */
export async function sentencePieceVectors(
  context: PartContext,
): Promise<SentencePieceVectors & { vocabulary: SlowVocabulary }> {
  const vectors = await readJson<SentencePieceVectors>(context, `${VECTORS}/sentencepiece.json`);
  const [tokens, scores, kinds] = [0, 1, 2].map((column) => vectors.tokens.map((row) => row[column])) as [
    string[],
    number[],
    number[],
  ];
  const vocabulary: SlowVocabulary = {
    kind: 'sentencepiece',
    pre: '',
    tokens,
    kinds,
    merges: [],
    scores,
    hasSpacePrefix: true,
  };
  return { ...vectors, vocabulary };
}
