// The HTTP oracle against a local server that answers well, badly, slowly, or not at all.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpEndpoint } from '../../../src/oracles/external/index.ts';

type Handler = (
  request: { body: string; count: number; headers: IncomingMessage['headers'] },
  response: ServerResponse,
) => void;

let server: Server;
let url: string;
let handler: Handler;
let count = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      count += 1;
      handler({ body, count, headers: request.headers }, response);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => new Promise<void>((done) => void server.close(() => done())));
beforeEach(() => {
  count = 0;
});

const LISTS = {
  model: 'm',
  choices: [
    {
      text: ' four',
      finish_reason: 'stop',
      logprobs: { tokens: [' four'], token_logprobs: [-0.5], top_logprobs: [{ ' five': -1.5, ' four': -0.5 }] },
    },
  ],
};
const OBJECTS = {
  system_fingerprint: 'b1234',
  choices: [
    {
      text: ' four',
      finish_reason: 'length',
      logprobs: { content: [{ token: ' four', logprob: -0.5, top_logprobs: [{ token: ' four', logprob: -0.5 }] }] },
    },
  ],
};

const answer =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    void response.writeHead(status, headers).end(typeof value === 'string' ? value : JSON.stringify(value));

const REQUEST = { prompt: [1, 2], maxTokens: 1, alternatives: 2 };
const endpoint = (options = {}): HttpEndpoint => new HttpEndpoint({ url, model: 'm', firstWaitMs: 1, ...options });

describe('an OpenAI-compatible endpoint', () => {
  it('reads parallel lists, alternatives best first, and names who served', async () => {
    handler = answer(LISTS);
    const oracle = endpoint();
    expect(await oracle.complete(REQUEST)).toEqual({
      text: ' four',
      finishReason: 'stop',
      servedBy: 'm',
      tokens: [
        {
          text: ' four',
          logProbability: -0.5,
          alternatives: [
            { text: ' four', logProbability: -0.5 },
            { text: ' five', logProbability: -1.5 },
          ],
        },
      ],
    });
    expect(oracle.identity()).toMatchObject({ name: `${url} m`, version: 'm' });
  });

  it('reads one object per token', async () => {
    handler = answer(OBJECTS);
    const { tokens, servedBy, finishReason } = await endpoint().complete(REQUEST);
    expect({ tokens, servedBy, finishReason }).toEqual({
      tokens: [{ text: ' four', logProbability: -0.5, alternatives: [{ text: ' four', logProbability: -0.5 }] }],
      servedBy: 'b1234',
      finishReason: 'length',
    });
  });

  it('asks greedily, for ids as they stand, with the key', async () => {
    let seen: unknown;
    let key: string | undefined;
    handler = ({ body, headers }, response) => {
      seen = JSON.parse(body);
      key = headers.authorization;
      response.end(JSON.stringify(LISTS));
    };
    await endpoint({ apiKey: 'k' }).complete(REQUEST);
    expect(seen).toEqual({ model: 'm', prompt: [1, 2], max_tokens: 1, temperature: 0, logprobs: 2, stream: false });
    expect(key).toBe('Bearer k');
  });

  it('has a digest that moves with the answers', async () => {
    const digestAfter = async (value: unknown): Promise<string> => {
      handler = answer(value);
      const oracle = endpoint();
      await oracle.complete(REQUEST);
      return oracle.identity().digest;
    };
    expect(await digestAfter(LISTS)).toBe(await digestAfter(LISTS));
    expect(await digestAfter(LISTS)).not.toBe(await digestAfter(OBJECTS));
  });

  it.each([429, 500, 503])('tries again after status %d', async (status) => {
    handler = (request, response) => (request.count < 3 ? answer('busy', status) : answer(LISTS))(request, response);
    expect((await endpoint().complete(REQUEST)).text).toBe(' four');
    expect(count).toBe(3);
  });

  it('waits as long as the server asks', async () => {
    handler = (request, response) =>
      (request.count < 2 ? answer('busy', 429, { 'retry-after': '0.2' }) : answer(LISTS))(request, response);
    const startMs = performance.now();
    await endpoint().complete(REQUEST);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(190);
  });

  it('gives up after its tries and says how many they were', async () => {
    handler = answer('broken', 500);
    await expect(endpoint({ tries: 2 }).complete(REQUEST)).rejects.toMatchObject({
      code: 'E_HTTP_STATUS',
      message: expect.stringContaining('status 500, saying "broken" (tried 2 times)') as string,
    });
    expect(count).toBe(2);
  });

  it('does not repeat a request that was refused', async () => {
    handler = answer('no such model', 404);
    await expect(endpoint().complete(REQUEST)).rejects.toMatchObject({ code: 'E_HTTP_STATUS' });
    expect(count).toBe(1);
  });

  it('ends a server that never answers', async () => {
    handler = () => {};
    await expect(endpoint({ timeoutMs: 50, tries: 1 }).complete(REQUEST)).rejects.toMatchObject({
      code: 'E_HTTP_TIMEOUT',
    });
    server.closeAllConnections();
  });

  it('ends a server that stops in the middle of its answer', async () => {
    handler = (_request, response) => void response.write('{"choices":');
    await expect(endpoint({ timeoutMs: 50, tries: 1 }).complete(REQUEST)).rejects.toMatchObject({
      code: 'E_HTTP_TIMEOUT',
    });
    server.closeAllConnections();
  });

  it('says that nobody listens', async () => {
    const nobody = new HttpEndpoint({ url: 'http://127.0.0.1:9/v1', model: 'm', tries: 1 });
    await expect(nobody.complete(REQUEST)).rejects.toMatchObject({ code: 'E_HTTP_CONNECT' });
  });

  it.each([
    ['no JSON', 'hello', 'not JSON'],
    ['no choice', { choices: [] }, 'logprobs is absent'],
    ['no scores', { choices: [{ text: 'x', logprobs: null }] }, 'logprobs is absent'],
    [
      'a list that is too short',
      { choices: [{ text: 'x', logprobs: { tokens: ['x', 'y'], token_logprobs: [-1] } }] },
      '1 numbers for 2 tokens',
    ],
    [
      'a score that is no number',
      { choices: [{ text: 'x', logprobs: { tokens: ['x'], token_logprobs: [null] } }] },
      'token_logprobs[0] is not a number',
    ],
  ])('refuses %s, naming the field', async (_what, value, words) => {
    handler = answer(value);
    await expect(endpoint().complete(REQUEST)).rejects.toMatchObject({
      code: 'E_HTTP_ANSWER',
      message: expect.stringContaining(words) as string,
    });
  });

  it.each(['ftp://x/v1', 'nonsense'])('refuses %s as an address', (address) => {
    expect(() => new HttpEndpoint({ url: address, model: 'm' })).toThrow(
      expect.objectContaining({ code: 'E_HTTP_URL' }),
    );
  });
});
