// Conversations through chat templates: rendered by the product, by plain code that says what each template says, and
// as Transformers recorded them. One measurement is one conversation: 0 where the text is the same, 1 where it is not.
import fc from 'fast-check';
import { createTextModel } from '../../src/engine/text/create-text-model.ts';
import type { ChatMessage, TextModel } from '../../src/engine/text/text-model.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import * as checks from './checks.ts';
import { hostileText, sampleTexts } from './strings.ts';

/** Recorded conversations. */
export const RECORDED = 600;
/** Each is a run of the bundled model. */
export const ASKED = 5;
/** The bundled model answers within its context, and an argument has its limits too. */
const MAX_QUESTION_CHARACTERS = 60;

interface ChatVectors {
  producer: { name: string; version: string };
  bos: string;
  eos: string;
  templates: Record<string, string>;
  cases: { template: string; messages: ChatMessage[]; addGenerationPrompt: boolean; text: string }[];
}

type Render = (messages: readonly ChatMessage[], addGenerationPrompt: boolean) => string;

/** What the templates of chat.json say. `bos` and `eos` are as recorded there. */
const SLOW: Readonly<Record<string, Render>> = {
  'sums-2m': chatMl,
  smollm2: (messages, addGenerationPrompt) =>
    (messages[0]?.role === 'system'
      ? ''
      : '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n') +
    chatMl(messages, addGenerationPrompt),
  turns(messages, addGenerationPrompt) {
    const system = messages[0]?.role === 'system' ? trimmed(messages[0].content) : '';
    const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
    const lines = turns.map(
      ({ role, content }, i) =>
        `${i === 0 && system !== '' ? `<<${system}>>\n` : ''}[${i + 1}/${turns.length} ${role.toUpperCase()}] ` +
        `${trimmed(content)}${role === 'assistant' ? '<|im_end|>' : ''}\n`,
    );
    return `<|endoftext|>${lines.join('')}${addGenerationPrompt ? '[ASSISTANT]' : ''}`;
  },
  counted: (messages) => `${messages.map(({ content }, i) => `${i}:${quoted(content)}`).join(', ')}963`,
  'gemma3-form'(messages, addGenerationPrompt) {
    const before = messages[0]?.role === 'system' ? `${messages[0].content}\n\n` : '';
    const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
    const lines = turns.map(({ role, content }, i) => {
      const name = role === 'assistant' ? 'model' : role;
      return `<start_of_turn>${name}\n${i === 0 ? before : ''}${trimmed(content)}<end_of_turn>\n`;
    });
    return `<|endoftext|>${lines.join('')}${addGenerationPrompt ? '<start_of_turn>model\n' : ''}`;
  },
};

/** Python's `strip()`: U+001C to U+001F and U+0085 are white space, U+FEFF is none. */
function trimmed(text: string): string {
  const isSpace = (character: string): boolean =>
    '\x1c\x1d\x1e\x1f\x85'.includes(character) || (character !== '\ufeff' && character.trim() === '');
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charAt(start))) start += 1;
  while (end > start && isSpace(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** `json.dumps` leaves half of a surrogate pair as it is. */
function quoted(text: string): string {
  const halves = /\\u(d[89a-f][0-9a-f]{2})|\\./g;
  return JSON.stringify(text).replaceAll(halves, (escape, half?: string) =>
    half === undefined ? escape : String.fromCharCode(Number.parseInt(half, 16)),
  );
}

function chatMl(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
  const turns = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`);
  return turns.join('') + (addGenerationPrompt ? '<|im_start|>assistant\n' : '');
}

/** A vocabulary of nothing but the two tokens that a template may name. */
function templateModel(template: string, { bos, eos }: ChatVectors): TextModel {
  return createTextModel(
    new Map<string, unknown>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.pre', 'gpt-2'],
      ['tokenizer.ggml.tokens', [bos, eos]],
      ['tokenizer.ggml.token_type', [3, 3]],
      ['tokenizer.ggml.merges', []],
      ['tokenizer.ggml.bos_token_id', 0],
      ['tokenizer.ggml.eos_token_id', 1],
      ['tokenizer.chat_template', template],
    ]),
  );
}

async function readChat(context: PartContext): Promise<ChatVectors & { models: Map<string, TextModel> }> {
  const vectors = await checks.readJson<ChatVectors>(context, `${checks.VECTORS}/chat.json`);
  const models = Object.entries(vectors.templates).map(
    ([name, source]) => [name, templateModel(source, vectors)] as const,
  );
  return { ...vectors, models: new Map(models) };
}

export async function searchConversations(context: PartContext): Promise<void> {
  const { models } = await readChat(context);
  const conversation = fc.record({
    template: fc.constantFrom(...Object.keys(SLOW)),
    system: fc.option(hostileText, { nil: null }),
    turns: fc.array(hostileText, { minLength: 1, maxLength: 5 }),
    addGenerationPrompt: fc.boolean(),
  });
  await context.search(conversation, context.planned, ({ template, system, turns, addGenerationPrompt }) => {
    const messages: ChatMessage[] = turns.map((text, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: text,
    }));
    if (system !== null) messages.unshift({ role: 'system', content: system });
    const ours = models.get(template)?.renderChat(messages, { addGenerationPrompt });
    return ours === SLOW[template]?.(messages, addGenerationPrompt) ? 0 : 1;
  });
}

/** Transformers' own text for every recorded conversation. */
export async function compareTransformers(context: PartContext): Promise<void> {
  const { models, producer, cases } = await readChat(context);
  for (const [i, { template, messages, addGenerationPrompt, text }] of cases.entries()) {
    const ours = models.get(template)?.renderChat(messages, { addGenerationPrompt }) ?? '';
    context.measure(ours === text ? 0 : 1, `conversation ${i}, ${template}`);
    context.output(ours);
  }
  context.oracle(producer);
}

/** `apr run`: the ids that the model is given are those of the rendered question. */
export async function askBundled(context: PartContext): Promise<void> {
  const encode = await checks.slow(context, await checks.trainerVocabulary(context));
  const path = context.model('model:sums-2m');
  // An argument has no NUL and is Unicode.
  const questions = sampleTexts(100 * ASKED, context.seed).filter(
    (text) =>
      text.trim() !== '' && text.isWellFormed() && text.length < MAX_QUESTION_CHARACTERS && !text.includes('\0'),
  );
  for (const question of questions.slice(0, ASKED)) {
    const argv = ['run', path, `--prompt=${question}`, '--max-tokens', '1', '--no-gpu', '--json'];
    const said = await context.program('apr', argv);
    const { promptIds = [] } = JSON.parse(said.exitCode === 0 ? said.stdout : '{}') as { promptIds?: number[] };
    const expected = encode(chatMl([{ role: 'user', content: question }], true), { parseSpecial: true });
    context.measure(checks.differs(promptIds, expected), JSON.stringify(question));
    context.output(JSON.stringify(promptIds));
  }
}
