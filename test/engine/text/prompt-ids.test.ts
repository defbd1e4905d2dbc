// What is said of a prompt that a chat template does not hold as it stands.
import { expect, it } from 'vitest';
import { createTextModel } from '../../../src/engine/text/create-text-model.ts';
import { promptIds, promptText } from '../../../src/engine/text/prompt-ids.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { bpeMetadata } from './vocabularies.ts';

const text = createTextModel(bpeMetadata());
const codes = (given: string, body: string): string[] =>
  promptIds(text, { given, body, isChat: true }).notices.map(({ code }) => code);

it('takes a prompt that a template has trimmed, as Python trims, for the prompt', () => {
  expect(codes(' \u0085hello\u001c', '[hello]')).not.toContain('PROMPT-ABSENT');
  expect(codes('\ufeffhello', '[hello]')).toContain('PROMPT-ABSENT');
  expect(codes('hello', '[HELLO]')).toContain('PROMPT-ABSENT');
});

it('puts a prompt through the chat template where there is one, a system message before it, unless it is raw', () => {
  const template =
    '{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<answer>{% endif %}';
  const chat = createTextModel(new Map([...bpeMetadata(), ['tokenizer.chat_template', template]]));
  const body = (options: Parameters<typeof promptText>[2]): string => promptText(chat, 'hi', options).body;
  expect(body({})).toBe('<user>hi<answer>');
  expect(body({ system: 'be' })).toBe('<system>be<user>hi<answer>');
  expect(body({ isRaw: true })).toBe('hi');
  expect(promptText(text, 'hi', {})).toEqual({ given: 'hi', body: 'hi', isChat: false });
});

it('refuses a prompt that has no tokens', async () => {
  await refusal('E_PROMPT_EMPTY', () => promptIds(text, { given: '', body: '', isChat: false }));
});
