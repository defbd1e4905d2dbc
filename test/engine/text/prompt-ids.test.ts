// What is said of a prompt that a chat template does not hold as it stands.
import { expect, it } from 'vitest';
import { createTextModel } from '../../../src/engine/text/create-text-model.ts';
import { promptIds } from '../../../src/engine/text/prompt-ids.ts';
import { bpeMetadata } from './vocabularies.ts';

const text = createTextModel(bpeMetadata());
const codes = (given: string, body: string): string[] =>
  promptIds(text, { given, body, isChat: true }).notices.map(({ code }) => code);

it('takes a prompt that a template has trimmed, as Python trims, for the prompt', () => {
  expect(codes(' \u0085hello\u001c', '[hello]')).not.toContain('PROMPT-ABSENT');
  expect(codes('\ufeffhello', '[hello]')).toContain('PROMPT-ABSENT');
  expect(codes('hello', '[HELLO]')).toContain('PROMPT-ABSENT');
});
