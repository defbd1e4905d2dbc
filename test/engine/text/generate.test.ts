import { expect, test } from 'vitest';
import type { RunRequest, Session } from '../../../src/engine/index.ts';
import { generate, type GenerateOptions, type GenerationEnd } from '../../../src/engine/text/generate.ts';

const VOCABULARY = 10;

/** Says after token t that t + 1 comes next, and remembers its runs. */
class CountingSession implements Session {
  positionCount = 0;
  readonly runs: RunRequest[] = [];

  async run(request: RunRequest): Promise<{ firstPosition: number; logits: Float32Array }> {
    this.runs.push(request);
    const firstPosition = this.positionCount;
    this.positionCount += request.tokens.length;
    const logits = new Float32Array(request.logits === 'none' ? 0 : VOCABULARY);
    if (logits.length > 0) logits[((request.tokens.at(-1) ?? 0) + 1) % VOCABULARY] = 1;
    return { firstPosition, logits };
  }

  truncate(): void {}
  close(): void {}
}

async function collect(
  given: Partial<GenerateOptions>,
): Promise<{ ids: number[]; text: string; end: GenerationEnd; session: CountingSession }> {
  const session = new CountingSession();
  const generation = generate(session, {
    promptIds: [1, 2],
    maxTokens: 4,
    contextLength: 100,
    endIds: new Set([9]),
    stream: { push: (id) => `${id} `, end: () => '.' },
    ...given,
  });
  const ids: number[] = [];
  let text = '';
  let next = await generation.next();
  for (; next.done !== true; next = await generation.next()) {
    ids.push(next.value.id);
    text += next.value.text;
  }
  return { ids, text, end: next.value, session };
}

test('feeds the prompt in one run, then each token once, and ends at the limit without another run', async () => {
  const { ids, text, end, session } = await collect({});
  expect(ids).toEqual([3, 4, 5, 6]);
  expect(text).toBe('3 4 5 6 ');
  expect(end).toEqual({ finishReason: 'length', stopId: null, text: '.' });
  expect(session.runs.map(({ tokens }) => tokens)).toEqual([[1, 2], [3], [4], [5]]);
});

test('ends at an end token, which is not among the generated ones', async () => {
  const { ids, end } = await collect({ promptIds: [6] });
  expect(ids).toEqual([7, 8]);
  expect(end).toMatchObject({ finishReason: 'stop', stopId: 9 });
});

test('ends when the context is full', async () => {
  const { ids, end, session } = await collect({ contextLength: 3 });
  expect(ids).toEqual([3, 4]);
  expect(end.finishReason).toBe('context');
  expect(session.positionCount).toBe(3);
});

test('a long prompt goes in by parts, of which only the last computes logits', async () => {
  const seen: number[] = [];
  const promptIds = Array.from({ length: 600 }, () => 1);
  const { session } = await collect({
    promptIds,
    contextLength: 1000,
    maxTokens: 1,
    onPrompt: (done) => seen.push(done),
  });
  expect(session.runs.map(({ tokens, logits }) => [tokens.length, logits])).toEqual([
    [256, 'none'],
    [256, 'none'],
    [88, 'last'],
  ]);
  expect(seen).toEqual([0, 256, 512, 600]);
});

test('asks for a tap before the prompt and before each decode run', async () => {
  const asked: unknown[] = [];
  const tap = { values: new Set<string>(), onValue: () => {} };
  const { session } = await collect({
    maxTokens: 3,
    tapOf: (...of) => {
      asked.push(of);
      return of[0] === 1 ? tap : undefined;
    },
  });
  expect(asked).toEqual([
    [0, 0, 2],
    [1, 2, 1],
    [2, 3, 1],
  ]);
  expect(session.runs.map((run) => run.tap)).toEqual([undefined, tap, undefined]);
});

test('keeps the logits of each token where asked', async () => {
  const session = new CountingSession();
  const stream = { push: () => '', end: () => '' };
  const options = { promptIds: [1], maxTokens: 1, contextLength: 9, endIds: new Set<number>(), stream };
  const { value } = await generate(session, { ...options, keepsLogits: true }).next();
  expect(value).toMatchObject({ id: 2, logits: expect.any(Float32Array) });
});

test.each([
  ['E_GENERATE', { promptIds: [] }],
  ['E_GENERATE', { maxTokens: 0 }],
  ['E_PROMPT_TOO_LONG', { contextLength: 1 }],
  ['E_SAMPLING', { sampling: { temperature: -1, topK: 0, topP: 1, repeatPenalty: 1, repeatLastN: 0 } }],
] as const)('%s for %j, before anything runs', async (code, given) => {
  await expect(collect(given)).rejects.toThrow(expect.objectContaining({ code }));
});
