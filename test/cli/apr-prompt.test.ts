// What stands around a prompt, and what is said about it, by the real program. The rule itself is FALSIFY-TOKPAR-010.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GgufEntry } from '../../src/engine/index.ts';
import { ggufEntry } from '../fixtures/gguf.ts';
import { apr, aprJson } from './apr-process.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { tinyGguf } from '../fixtures/tiny-model.ts';

const folder = await temporaryFolder();
const [BOS, EOS] = [1, 2];

async function model(name: string, entries: Readonly<Record<string, GgufEntry | undefined>>): Promise<string> {
  const path = join(folder, `${name}.gguf`);
  await writeFile(path, tinyGguf({ entries }));
  return path;
}

const flag = (key: string, value: boolean): Record<string, GgufEntry> => ({ [key]: ggufEntry(key, 'bool', value) });
const text = (key: string, value: string): Record<string, GgufEntry> => ({ [key]: ggufEntry(key, 'string', value) });

async function run(path: string, ...flags: string[]): Promise<{ promptIds: number[]; codes: string[] }> {
  const { json } = await aprJson(['run', path, ...flags, '--max-tokens', '1', '--no-gpu', '--json']);
  const codes = (json['notices'] as { code: string }[]).map(({ code }) => code);
  return { promptIds: json['promptIds'] as number[], codes: codes.filter((code) => code.startsWith('PROMPT-')) };
}

test('raw text has one BOS more than it spells, and two are said', async () => {
  const path = await model('raw', {});
  const plain = await run(path, 'ab');
  expect(plain.promptIds[0]).toBe(BOS);
  expect(plain.codes).toEqual([]);
  const spelled = await run(path, '<s>ab');
  expect(spelled.promptIds).toEqual([BOS, ...plain.promptIds]);
  expect(spelled.codes).toEqual(['PROMPT-CONTROL', 'PROMPT-TWO-BOS']);
});

test('add_bos_token false and add_eos_token true are followed', async () => {
  const path = await model('ends', {
    ...flag('tokenizer.ggml.add_bos_token', false),
    ...flag('tokenizer.ggml.add_eos_token', true),
  });
  const { promptIds, codes } = await run(path, 'ab');
  expect(promptIds[0]).not.toBe(BOS);
  expect(promptIds.at(-1)).toBe(EOS);
  expect(codes).toEqual(['PROMPT-EOS']);
});

test('a conversation has the BOS that its template prints and no other', async () => {
  const without = await model('no-bos', text('tokenizer.chat_template', '{{ messages[0].content }}'));
  const plain = await run(without, 'ab');
  expect(plain.promptIds).not.toContain(BOS);
  expect(plain.codes).toEqual(['PROMPT-NO-BOS']);
  const printed = await model('bos', text('tokenizer.chat_template', '{{ bos_token }}{{ messages[0].content }}'));
  expect(await run(printed, 'ab')).toEqual({ promptIds: [BOS, ...plain.promptIds], codes: [] });
});

test('a prompt that is not NFC is said where the family composes, and not otherwise', async () => {
  const entries = {
    ...text('tokenizer.ggml.model', 'gpt2'),
    ...text('tokenizer.ggml.pre', 'qwen2'),
    'tokenizer.ggml.merges': ggufEntry('tokenizer.ggml.merges', 'string[]', []),
    'tokenizer.ggml.tokens': ggufEntry('tokenizer.ggml.tokens', 'string[]', BYTES),
    'tokenizer.ggml.token_type': undefined,
    'tokenizer.ggml.add_bos_token': undefined,
  };
  const qwen = await model('qwen', entries);
  expect((await run(qwen, 'e\u0301')).codes).toEqual(['PROMPT-NFC']);
  expect((await run(qwen, '\u00e9')).codes).toEqual([]);
  const gpt2 = await model('gpt2', { ...entries, ...text('tokenizer.ggml.pre', 'gpt-2') });
  expect((await run(gpt2, 'e\u0301')).codes).toEqual([]);
});

test('a vocabulary that cannot encode runs on ids, and text is refused by name', async () => {
  const path = await model('scores', {
    'tokenizer.ggml.scores': ggufEntry(
      'tokenizer.ggml.scores',
      'f32[]',
      Array.from({ length: 288 }, () => Number.NaN),
    ),
  });
  expect((await run(path, '--tokens', '1,5')).promptIds).toEqual([1, 5]);
  const said = await apr(['run', path, 'ab']);
  expect(said.exitCode).toBe(3);
  expect(said.stderr).toContain('tokenizer.ggml.scores: the score of token 0 is NaN');
});

test('apr tokenize says of a spelled control token that it is text', async () => {
  const path = await model('tokenize', {});
  const { json } = await aprJson(['tokenize', path, '<s>a']);
  expect(json['ids']).not.toContain(BOS);
  expect(json['notices']).toMatchObject([{ code: 'TEXT-CONTROL', message: expect.stringContaining('<s> (1)') }]);
});

test('a line of --json-lines that has no tokens is named', async () => {
  const path = await model('gone', {
    'tokenizer.ggml.tokens': ggufEntry('tokenizer.ggml.tokens', 'string[]', ['<unk>', '<s>', '</s>', 'a', '▁']),
    'tokenizer.ggml.token_type': ggufEntry('tokenizer.ggml.token_type', 'i32[]', [3, 3, 3, 1, 1]),
    'tokenizer.ggml.unknown_token_id': undefined,
  });
  const list = join(folder, 'lines.jsonl');
  await writeFile(list, '"a"\n"aéa"\n');
  const said = await apr(['tokenize', path, '--file', list, '--json-lines']);
  expect(said.exitCode).toBe(3);
  expect(said.stdout).toBe('[4,3]');
  expect(said.stderr).toMatch(/lines\.jsonl:2: text, character 2: "é" \(U\+00E9\) has no token/);
});

const BYTES: string[] = (() => {
  const isPrintable = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte < 173) || byte > 173;
  let shifted = 0;
  return Array.from({ length: 288 }, (_, byte) =>
    byte > 255 ? `filler${byte}` : String.fromCharCode(isPrintable(byte) ? byte : 256 + shifted++),
  );
})();
