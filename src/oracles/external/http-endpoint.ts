// An OpenAI-compatible endpoint with log-probabilities as an oracle: any engine that is served. It gives text and the
// best few log-probabilities of each token, not a whole vocabulary; what it cannot give is an error, never a guess.
import { createHash } from 'node:crypto';
import { RefuteError } from '../../errors.ts';
import { readScoredText, type ScoredText } from './http-answer.ts';

export interface HttpEndpointOptions {
  /** Up to and including the version: `http://127.0.0.1:8080/v1`. */
  url: string;
  /** As the endpoint calls it. */
  model: string;
  apiKey?: string;
  /** Of one try. */
  timeoutMs?: number;
  /** All tries together; a refusal of the request itself (4xx) is not tried again. */
  tries?: number;
  /** The wait before the second try; each further one waits twice as long. */
  firstWaitMs?: number;
}

export interface CompletionRequest {
  /** Text, or ids, used exactly as they stand. */
  prompt: string | readonly number[];
  maxTokens: number;
  /** How many alternatives of each token are asked for. */
  alternatives: number;
}

const DEFAULTS = { timeoutMs: 120_000, tries: 3, firstWaitMs: 500 };
/** `Retry-After` says how long; a server that says an hour is not waited for. */
const LONGEST_WAIT_MS = 30_000;
/** 4,096 tokens with 20 alternatives of 100 bytes are 8 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const QUOTED_CHARACTERS = 200;

export class HttpEndpoint {
  readonly #options: Required<Omit<HttpEndpointOptions, 'apiKey'>> & Pick<HttpEndpointOptions, 'apiKey'>;
  readonly #digest = createHash('sha256');
  #servedBy = 'unnamed';

  /** @throws RefuteError E_HTTP_URL */
  constructor(options: HttpEndpointOptions) {
    const { url } = options;
    if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol)) {
      const is = 'this is not an http address';
      throw new RefuteError({ code: 'E_HTTP_URL', place: url, is, allowed: 'http://host:port/v1' });
    }
    this.#options = { ...DEFAULTS, ...options, url: url.replace(/\/+$/, '') };
  }

  /** For receipts: who answered, and the digest of everything that was answered so far. */
  identity(): { name: string; version: string; digest: string } {
    const { url, model } = this.#options;
    return { name: `${url} ${model}`, version: this.#servedBy, digest: this.#digest.copy().digest('hex') };
  }

  /**
   * Greedy text after a prompt, with the log-probability (natural) of each token and of its best alternatives.
   *
   * @throws RefuteError E_HTTP_CONNECT, E_HTTP_TIMEOUT, E_HTTP_STATUS, E_HTTP_SIZE, E_HTTP_ANSWER
   */
  async complete({ prompt, maxTokens, alternatives }: CompletionRequest): Promise<ScoredText> {
    const { model, url } = this.#options;
    const body = { model, prompt, max_tokens: maxTokens, temperature: 0, logprobs: alternatives, stream: false };
    const place = `${url}/completions`;
    const text = await this.#post(place, JSON.stringify(body));
    this.#digest.update(text);
    const answer = readScoredText(place, text);
    this.#servedBy = answer.servedBy ?? this.#servedBy;
    return answer;
  }

  async #post(place: string, body: string): Promise<string> {
    const { tries, firstWaitMs } = this.#options;
    let waitMs = firstWaitMs;
    for (let done = 1; ; done += 1) {
      const result = await this.#tryOnce(place, body);
      if (typeof result === 'string') return result;
      if (!result.isWorthAnotherTry || done >= tries) throw withTries(result.error, done);
      const pauseMs = Math.min(result.waitMs ?? waitMs, LONGEST_WAIT_MS);
      await new Promise((go) => setTimeout(go, pauseMs));
      waitMs *= 2;
    }
  }

  async #tryOnce(place: string, body: string): Promise<string | Failure> {
    const { apiKey, timeoutMs } = this.#options;
    try {
      const response = await fetch(place, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await readLimited(place, response);
      return response.ok ? text : statusFailure(place, response, text);
    } catch (error) {
      if (error instanceof RefuteError) return { error, isWorthAnotherTry: false };
      return { error: connectionError(place, error, timeoutMs), isWorthAnotherTry: true };
    }
  }
}

interface Failure {
  error: RefuteError;
  isWorthAnotherTry: boolean;
  waitMs?: number;
}

/** The body, given up as soon as it is longer than any answer may be. */
async function readLimited(place: string, response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of response.body ?? []) {
    byteLength += chunk.byteLength;
    if (byteLength > MAX_ANSWER_BYTES) {
      const is = `the answer is longer than ${MAX_ANSWER_BYTES} bytes`;
      throw new RefuteError({ code: 'E_HTTP_SIZE', place, is, next: 'Ask for fewer tokens or alternatives' });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function statusFailure(place: string, response: Response, text: string): Failure {
  const { status } = response;
  const error = new RefuteError({
    code: 'E_HTTP_STATUS',
    place,
    is: `status ${status}${text === '' ? '' : `, saying ${JSON.stringify(text.slice(0, QUOTED_CHARACTERS))}`}`,
    ...(status === 401 || status === 403 ? { next: 'Check the API key' } : {}),
  });
  const waitSeconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return {
    error,
    isWorthAnotherTry: status === 408 || status === 429 || status >= 500,
    ...(waitSeconds >= 0 ? { waitMs: waitSeconds * 1000 } : {}),
  };
}

function connectionError(place: string, error: unknown, timeoutMs: number): RefuteError {
  if (error instanceof Error && error.name === 'TimeoutError') {
    const is = `no whole answer within ${timeoutMs} ms`;
    return new RefuteError({ code: 'E_HTTP_TIMEOUT', place, is, cause: error });
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const is = `no connection: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new RefuteError({ code: 'E_HTTP_CONNECT', place, is, next: 'Is the server running?', cause: error });
}

function withTries(error: RefuteError, count: number): RefuteError {
  if (count === 1) return error;
  const { code, place, cause } = error;
  const said = error.message.slice(place.length + 2).replace(/\.$/, '');
  return new RefuteError({ code, place, is: `${said} (tried ${count} times)`, cause });
}
