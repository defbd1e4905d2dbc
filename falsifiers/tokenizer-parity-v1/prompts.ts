// How a prompt becomes ids: what stands at its two ends, and what is said about it. Recorded answers: llama.cpp for raw
// text, Transformers for conversations (prompts.json). One measurement is one prompt.
import fc from 'fast-check';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RefuteError } from '../../src/errors.ts';
import { createTextModel } from '../../src/engine/text/create-text-model.ts';
import { promptIds } from '../../src/engine/text/prompt-ids.ts';
import type { TextModel } from '../../src/engine/text/text-model.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import * as checks from './checks.ts';
import { hostileText } from './strings.ts';

/** Recorded prompts. */
export const RECORDED = 222;
/** Each is a run or a trace of the bundled model. */
export const STARTED = 6;

type Kind = 'bpe' | 'sentencepiece';

interface PromptVectors {
  producers: Record<'raw' | 'chat', { name: string; version: string }>;
  vocabularies: Record<Kind, { tokens: string[]; types: number[] }>;
  templates: Record<string, string>;
  raw: { kind: Kind; addBos: boolean | null; addEos: boolean | null; text: string; ids: number[] }[];
  chat: { template: string; content: string; ids: number[] }[];
}

interface Ends {
  kind: Kind;
  addBos: boolean | null;
  addEos: boolean | null;
  template?: string | undefined;
}

const readVectors = (context: PartContext): Promise<PromptVectors> =>
  checks.readJson<PromptVectors>(context, `${checks.VECTORS}/prompts.json`);

function modelOf({ vocabularies }: PromptVectors, { kind, addBos, addEos, template }: Ends): TextModel {
  const { tokens, types } = vocabularies[kind];
  const keys: Record<string, unknown> = {
    'tokenizer.ggml.model': kind === 'bpe' ? 'gpt2' : 'llama',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': types,
    'tokenizer.ggml.bos_token_id': tokens.indexOf('<s>'),
    'tokenizer.ggml.eos_token_id': tokens.indexOf('</s>'),
    ...(kind === 'bpe'
      ? { 'tokenizer.ggml.pre': 'gpt-2', 'tokenizer.ggml.merges': ['a b'] }
      : { 'tokenizer.ggml.scores': tokens.map((_, id) => -id) }),
    ...(addBos === null ? {} : { 'tokenizer.ggml.add_bos_token': addBos }),
    ...(addEos === null ? {} : { 'tokenizer.ggml.add_eos_token': addEos }),
    ...(template === undefined ? {} : { 'tokenizer.chat_template': template }),
  };
  return createTextModel(new Map(Object.entries(keys)));
}

interface Rendered {
  ids: number[];
  codes: string[];
}

function bodyOf(text: TextModel, prompt: string, isChat: boolean): string {
  return isChat ? text.renderChat([{ role: 'user', content: prompt }], { addGenerationPrompt: true }) : prompt;
}

/** That nothing is left to run is an error of its own. */
const EMPTY: Rendered = { ids: [], codes: ['E_PROMPT_EMPTY'] };

function rendered(text: TextModel, prompt: string, isChat: boolean): Rendered {
  try {
    const { ids, notices } = promptIds(text, { given: prompt, body: bodyOf(text, prompt, isChat), isChat });
    return { ids, codes: notices.map(({ code }) => code).toSorted() };
  } catch (error) {
    if ((error as Partial<RefuteError>).code === 'E_PROMPT_EMPTY') return EMPTY;
    throw error;
  }
}

/** The rule in plain words, over the ids of the text itself. */
function expected(
  text: TextModel,
  vectors: PromptVectors,
  ends: Ends,
  { prompt, isChat }: { prompt: string; isChat: boolean },
): Rendered {
  const { tokens } = vectors.vocabularies[ends.kind];
  const [bos, eos] = [tokens.indexOf('<s>'), tokens.indexOf('</s>')];
  const inner = text.encode(bodyOf(text, prompt, isChat), { parseSpecial: true, addBos: false });
  const wantsBos = ends.addBos ?? ends.kind === 'sentencepiece';
  const wantsEos = ends.addEos ?? false;
  const ids = isChat ? inner : [...(wantsBos ? [bos] : []), ...inner, ...(wantsEos ? [eos] : [])];
  if (ids.length === 0) return EMPTY;
  const codes = [
    ...(['<s>', '</s>', '<|turn|>'].some((spelled) => prompt.includes(spelled)) ? ['PROMPT-CONTROL'] : []),
    ...(prompt.includes('\ufffd') ? ['TEXT-REPLACED'] : []),
    ...(isChat && wantsBos && inner[0] !== bos ? ['PROMPT-NO-BOS'] : []),
    ...(!isChat && wantsBos && inner[0] === bos ? ['PROMPT-TWO-BOS'] : []),
    ...(!isChat && wantsEos ? ['PROMPT-EOS'] : []),
    ...(!isChat && wantsEos && (inner.at(-1) ?? (wantsBos ? bos : null)) === eos ? ['PROMPT-TWO-EOS'] : []),
  ];
  return { ids, codes: codes.toSorted() };
}

export async function searchPrompts(context: PartContext): Promise<void> {
  const vectors = await readVectors(context);
  const flag = fc.constantFrom(null, true, false);
  const spelled = fc.constantFrom('', '<s>', '</s>', '<|turn|>', '<s><s>');
  const input = fc.record({
    kind: fc.constantFrom<Kind>('bpe', 'sentencepiece'),
    addBos: flag,
    addEos: flag,
    template: fc.option(fc.constantFrom(...Object.values(vectors.templates)), { nil: undefined }),
    prompt: fc.tuple(spelled, hostileText, spelled).map((parts) => parts.join('').toWellFormed()),
    isRaw: fc.boolean(),
  });
  await context.search(input, context.planned, ({ prompt, isRaw, ...ends }) => {
    // <unk> is a token of one of the two kinds only; kept out of what is spelled.
    const text = modelOf(vectors, ends);
    const clean = prompt.replaceAll('<unk>', '');
    const isChat = ends.template !== undefined && !isRaw;
    const [ours, theirs] = [rendered(text, clean, isChat), expected(text, vectors, ends, { prompt: clean, isChat })];
    return checks.differs(ours.ids, theirs.ids) === 0 && ours.codes.join() === theirs.codes.join() ? 0 : 1;
  });
}

/** Raw text as llama.cpp has it, conversations as Transformers. */
export async function compareRecorded(context: PartContext): Promise<void> {
  const vectors = await readVectors(context);
  for (const { kind, addBos, addEos, text, ids } of vectors.raw) {
    const ours = rendered(modelOf(vectors, { kind, addBos, addEos }), text, false).ids;
    context.measure(checks.differs(ours, ids), JSON.stringify({ kind, addBos, addEos, text }));
    context.output(JSON.stringify(ours));
  }
  for (const { template, content, ids } of vectors.chat) {
    const ends: Ends = { kind: 'bpe', addBos: true, addEos: null, template: vectors.templates[template] };
    const ours = rendered(modelOf(vectors, ends), content, true).ids;
    context.measure(checks.differs(ours, ids), JSON.stringify({ template, content }));
    context.output(JSON.stringify(ours));
  }
  const { raw, chat } = vectors.producers;
  context.oracle({ name: `${raw.name}, ${chat.name}`, version: `${raw.version}, ${chat.version}` });
}

/** The bundled model, which then asks for a BOS: raw text has one, the template prints none; the same in every command. */
export async function startByProgram(context: PartContext): Promise<void> {
  const vocabulary = await checks.trainerVocabulary(context);
  const slow = await checks.slow(context, vocabulary);
  const file = new Uint8Array(await readFile(context.model('model:sums-2m')));
  const key = 'tokenizer.ggml.add_bos_token';
  // The value is one byte behind the key and its type.
  file[Buffer.from(file.buffer).indexOf(key) + key.length + 4] = 1;
  const path = join(context.folder, 'wants-bos.gguf');
  await writeFile(path, file);
  const question = `${context.seed % 100}+7?`;
  const chat = `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
  const raw = [vocabulary.tokens.indexOf('<|endoftext|>'), ...slow(question, { parseSpecial: true })];
  const cases: [flags: string[], ids: number[]][] = [
    [[`--prompt=${question}`], slow(chat, { parseSpecial: true })],
    [[`--prompt=${question}`, '--raw'], raw],
    [
      ['--tokens', '5,6,7'],
      [5, 6, 7],
    ],
  ];
  for (const command of ['run', 'trace']) {
    for (const [flags, ids] of cases) {
      const limits = command === 'run' ? ['--max-tokens', '1'] : [];
      const argv = [command, path, ...flags, ...limits, '--no-gpu', '--json'];
      const said = await context.program('apr', argv);
      const { promptIds = [] } = JSON.parse(said.exitCode === 0 ? said.stdout : '{}') as { promptIds?: number[] };
      context.measure(checks.differs(promptIds, ids), argv.slice(2).join(' '));
      context.output(JSON.stringify(promptIds));
    }
  }
}
