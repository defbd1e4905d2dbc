// apr run on trained models, as a process: the bundled one always; SmolLM2 and stories260K where a machine has them.
import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadLlamaCpp } from '../../src/oracles/external/index.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson } from './apr-process.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const SMOLLM2 = 'models/cache/SmolLM2-135M-Instruct.Q4_1.gguf';
const STORIES = '../shared/models/stories260K.gguf';

describe.each(['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'])('%s', (file) => {
  const model = at(`models/sums-2m/${file}`);

  test('answers a sum, on stdout and nothing else there', async () => {
    const { exitCode, stdout } = await apr(['run', model, 'What is 17+25?', '--temperature', '0']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '42' });
  });

  test('says with --json what it ran: prompt ids, generated ids, end, executor, model', async () => {
    const { said, json } = await aprJson(['run', model, 'What is 17+25?']);
    expect(said.exitCode).toBe(0);
    expect(json).toMatchObject({
      schemaVersion: 1,
      text: '42',
      finishReason: 'stop',
      prompt: { source: 'chat', text: '<|im_start|>user\nWhat is 17+25?<|im_end|>\n<|im_start|>assistant\n' },
      executor: { ran: 'cpu' },
      model: { path: model, architecture: 'qwen2' },
    });
    const ids = (json['promptIds'] as number[]).join(',');
    const again = await aprJson(['run', model, '--tokens', ids]);
    expect(again.json['generatedIds']).toEqual(json['generatedIds']);
  });
});

test('stories260K from BOS alone: exactly the ids that llama.cpp gives', async ({ skip }) => {
  if (!existsSync(at(STORIES))) skip(`not run: there is no ${STORIES} on this machine`);
  const argv = ['run', at(STORIES), '--tokens', '1', '--temperature', '0', '--max-tokens', '199'];
  const { said, json } = await aprJson(argv);
  const recorded = JSON.parse(await readFile(at(STORIES).replace('.gguf', '.greedy.json'), 'utf8')) as {
    generated_ids: number[];
    text: string;
  };
  expect(said.exitCode).toBe(0);
  expect(recorded.generated_ids).toHaveLength(199);
  expect(json['generatedIds']).toEqual(recorded.generated_ids);
  expect((json['text'] as string).trim()).toBe(recorded.text.trim());
  expect(json['finishReason']).toBe('length');
});

test('SmolLM2 says that 2+2 is 4, with the ids that llama.cpp gives on the same file', async ({ skip }) => {
  if (!existsSync(at(SMOLLM2))) skip(`not run: there is no ${SMOLLM2}; "npm run models" fetches it`);
  const { said, json } = await aprJson(['run', at(SMOLLM2), 'What is 2+2?', '--temperature', '0']);
  expect(said.exitCode).toBe(0);
  expect(json['text']).toContain('4');
  const loaded = await loadLlamaCpp();
  if (!loaded.available) skip(`not compared with llama.cpp: ${loaded.reason}`);
  else {
    const oracle = await loaded.llama.openModel(at(SMOLLM2), { contextLength: 128, kvCache: 'f32' });
    expect(json['generatedIds']).toEqual(await oracle.greedy(json['promptIds'] as number[], 32));
    await oracle.close();
    await loaded.llama.close();
  }
});

test('a template that leaves the prompt out is worth a warning', async () => {
  const folder = await temporaryFolder();
  await cp(at('models/sums-2m/hf'), folder, { recursive: true });
  await writeFile(
    join(folder, 'chat_template.jinja'),
    "{{ bos_token }}{% if messages[0].role == 'human' %}x{% endif %}1",
  );
  const { said } = await aprJson(['run', folder, 'What is 17+25?', '--max-tokens', '1']);
  expect(said.stdout + said.stderr).toContain('PROMPT-ABSENT');
});
