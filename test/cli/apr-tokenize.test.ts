// `apr tokenize` as a shell starts it: text, files, JSON lines, special tokens, BOS, the way back, and what it
// refuses. Which ids a string has is tokenizer-parity-v1's matter; here it is what is asked of the tokenizer and how
// it is said.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { ggufEntry } from '../fixtures/gguf.ts';
import { tinyGguf } from '../fixtures/tiny-model.ts';
import { apr, aprJson } from './apr-process.ts';

const MODEL = fileURLToPath(new URL('../../models/sums-2m/sums-2m.q4_k_m.gguf', import.meta.url));
/** The bundled vocabulary's last tokens: <|endoftext|>, <|im_start|>, <|im_end|>. */
const [IM_START, IM_END] = [766, 767];
const folder = await temporaryFolder();

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('a text is printed as a table and as one line of ids; what was taken by default goes to stderr', async () => {
  const said = await apr(['tokenize', MODEL, '1+2']);
  expect(said.exitCode).toBe(0);
  expect(said.stderr).toContain('[BOS-FALLBACK]');
  const lines = said.stdout.trimEnd().split('\n');
  // Titles, a rule, a row a token, the ids.
  expect(lines).toHaveLength(2 + 3 + 1);
  expect(lines.at(-1)).toBe('3 tokens: 16,10,17');
});

test('--json holds ids, spellings and text', async () => {
  const { said, json } = await aprJson(['tokenize', MODEL, '1 é']);
  expect(said.exitCode).toBe(0);
  const tokens = json['tokens'] as { id: number; spelling: string; text: string }[];
  expect(json['ids']).toEqual(tokens.map(({ id }) => id));
  expect(tokens.map(({ text }) => text).join('')).toBe('1 é');
  expect(json['text']).toBe('1 é');
});

test('a control token spelled in the text is text, and with --special that token', async () => {
  const asText = await aprJson(['tokenize', MODEL, '<|im_start|>user']);
  expect(asText.json['ids']).not.toContain(IM_START);
  const asToken = await aprJson(['tokenize', MODEL, '<|im_start|>user', '--special']);
  expect((asToken.json['ids'] as number[])[0]).toBe(IM_START);
  expect((asToken.json['ids'] as number[]).length).toBeLessThan((asText.json['ids'] as number[]).length);
});

test('there is a BOS where --bos asks for one, and no other, even in a vocabulary that wants one', async () => {
  const BOS = 1;
  const vocabulary = await file('wants-bos.gguf', tinyGguf());
  const plain = await aprJson(['tokenize', vocabulary, 'ab']);
  const withBos = await aprJson(['tokenize', vocabulary, 'ab', '--bos']);
  const ids = plain.json['ids'] as number[];
  expect(ids).not.toContain(BOS);
  expect(withBos.json['ids']).toEqual([BOS, ...ids]);
});

test('--bos with a vocabulary that has none is a typed error', async () => {
  // Without types no token is a control token, so that no `<s>` can stand in; SentencePiece would have one by default.
  const entries = {
    'tokenizer.ggml.model': ggufEntry('tokenizer.ggml.model', 'string', 'gpt2'),
    'tokenizer.ggml.merges': ggufEntry('tokenizer.ggml.merges', 'string[]', []),
    'tokenizer.ggml.bos_token_id': undefined,
    'tokenizer.ggml.token_type': undefined,
    'tokenizer.ggml.add_bos_token': undefined,
  };
  const said = await apr(['tokenize', await file('no-bos.gguf', tinyGguf({ entries })), 'ab', '--bos']);
  expect(said.exitCode).toBe(3);
  expect(said.stderr).toContain('tokenizer.ggml.bos_token_id');
  expect(said.stdout).toBe('');
});

test('--file is one text, with its last newline and its byte order mark', async () => {
  const { json } = await aprJson(['tokenize', MODEL, '--file', await file('text.txt', '\ufeffab\n')]);
  expect(json['text']).toBe('\ufeffab\n');
});

test('--json-lines answers one array a string, in order, an empty string included', async () => {
  const strings = ['1+2', '', 'a\nb', '\ud800', '<|im_end|>'];
  const path = await file('strings.jsonl', strings.map((text) => `${JSON.stringify(text)}\n`).join(''));
  const said = await apr(['tokenize', MODEL, '--file', path, '--json-lines', '--special']);
  expect(said.exitCode).toBe(0);
  const rows = said.stdout.trimEnd().split('\n');
  expect(rows[0]).toBe('[16,10,17]');
  expect(rows[1]).toBe('[]');
  expect(rows[4]).toBe(`[${IM_END}]`);
  expect(rows).toHaveLength(strings.length);
});

test.for([
  ['no JSON', '"a"\nb\n', 2],
  ['no string', '"a"\n"b"\n["c"]\n', 3],
  ['an empty line', '"a"\n\n"b"\n', 2],
] as const)('a line that is %s is an error with file and line', async ([name, content, line]) => {
  const path = await file(`${name}.jsonl`, content);
  const said = await apr(['tokenize', MODEL, '--file', path, '--json-lines']);
  expect(said.exitCode).toBe(3);
  expect(said.stderr).toContain(`${path}:${line}`);
  // Nothing is said before all lines are read: half an answer would be taken for a whole one.
  expect(said.stdout).toBe('');
});

test('--decode is the way back; control tokens show with --special', async () => {
  const ids = ['16', '10', '17', String(IM_END)].join(',');
  const plain = await aprJson(['tokenize', MODEL, '--decode', ids]);
  expect(plain.json['text']).toBe('1+2');
  const special = await aprJson(['tokenize', MODEL, '--decode', ids, '--special']);
  expect(special.json['text']).toBe('1+2<|im_end|>');
});

test.for([
  ['no text', []],
  ['two texts', ['a', '--decode', '1']],
  ['--json-lines without a file', ['a', '--json-lines']],
  ['an id beyond the vocabulary', ['--decode', '768']],
  ['a file that is not there', ['--file', 'absent.txt']],
] as const)('%s is refused with exit code 3', async ([, args]) => {
  const said = await apr(['tokenize', MODEL, ...args]);
  expect(said.exitCode).toBe(3);
  expect(said.stdout).toBe('');
  expect(said.stderr).not.toBe('');
});

test('a file that is not UTF-8 is refused', async () => {
  const path = await file('latin1.txt', Uint8Array.of(0x61, 0xe9));
  const said = await apr(['tokenize', MODEL, '--file', path]);
  expect(said.exitCode).toBe(3);
  expect(said.stderr).toContain('UTF-8');
});
