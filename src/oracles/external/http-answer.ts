// What an OpenAI-compatible server answers to a completion, in the two spellings that are about: parallel lists
// (OpenAI's own, vLLM) and one object per token (chat style; llama.cpp's server). Nothing is filled in: a list that is
// too short or a value that is not a number refuses the answer.
import { RefuteError } from '../../errors.ts';

interface TokenScore {
  /** The token's text as the server spells it. */
  text: string;
  /** Natural logarithm; -Infinity is spelt as a very negative number by some servers. */
  logProbability: number;
}

interface ScoredToken extends TokenScore {
  /** Best first. */
  alternatives: TokenScore[];
}

export interface ScoredText {
  text: string;
  tokens: ScoredToken[];
  finishReason: string;
  /** `system_fingerprint`, or the model that the server says it ran. */
  servedBy: string | null;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** @throws RefuteError E_HTTP_ANSWER naming the field */
export function readScoredText(place: string, text: string): ScoredText {
  const answer = new AnswerReader(place, parse(place, text), 'answer');
  const choice = answer.get('choices').at(0);
  const scores = choice.get('logprobs');
  if (scores.isAbsent()) {
    throw scores.refusal('absent', 'Start the server with log-probabilities enabled');
  }
  const message = choice.get('message');
  return {
    text: (message.isAbsent() ? choice.get('text') : message.get('content')).text(),
    tokens: scores.get('content').isAbsent() ? parallelLists(scores) : onePerToken(scores.get('content')),
    finishReason: choice.get('finish_reason').isAbsent() ? 'unknown' : choice.get('finish_reason').text(),
    servedBy:
      [answer.get('system_fingerprint'), answer.get('model')].find((field) => !field.isAbsent())?.text() ?? null,
  };
}

function parallelLists(scores: AnswerReader): ScoredToken[] {
  const tokens = scores.get('tokens').items();
  const values = scores.get('token_logprobs').items();
  const alternatives = scores.get('top_logprobs');
  if (values.length !== tokens.length) {
    throw scores.get('token_logprobs').refusal(`${values.length} numbers for ${tokens.length} tokens`);
  }
  return tokens.map((token, i) => ({
    text: token.text(),
    logProbability: scores.get('token_logprobs').at(i).number(),
    alternatives: alternatives.isAbsent() ? [] : bestFirst(alternatives.at(i).entries()),
  }));
}

function onePerToken(content: AnswerReader): ScoredToken[] {
  return content.items().map((entry) => {
    const top = entry.get('top_logprobs');
    const others = top.isAbsent() ? [] : top.items().map(scoreOf);
    return { ...scoreOf(entry), alternatives: bestFirst(others) };
  });
}

function scoreOf(entry: AnswerReader): TokenScore {
  return { text: entry.get('token').text(), logProbability: entry.get('logprob').number() };
}

function bestFirst(scores: readonly TokenScore[]): TokenScore[] {
  return scores.toSorted((a, b) => b.logProbability - a.logProbability);
}

function parse(place: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new RefuteError({ code: 'E_HTTP_ANSWER', place, is: 'the answer is not JSON', cause });
  }
}

/** A value and the way to it, so that a refusal can name the field. */
class AnswerReader {
  readonly #place: string;
  readonly #value: Json | undefined;
  readonly #path: string;

  constructor(place: string, value: Json | undefined, path: string) {
    this.#place = place;
    this.#value = value;
    this.#path = path;
  }

  get(key: string): AnswerReader {
    const map = this.#value;
    const isMap = typeof map === 'object' && map !== null && !Array.isArray(map);
    return new AnswerReader(
      this.#place,
      isMap && Object.hasOwn(map, key) ? map[key] : undefined,
      `${this.#path}.${key}`,
    );
  }

  at(index: number): AnswerReader {
    const value = Array.isArray(this.#value) ? this.#value[index] : undefined;
    return new AnswerReader(this.#place, value, `${this.#path}[${index}]`);
  }

  isAbsent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  items(): AnswerReader[] {
    if (!Array.isArray(this.#value)) throw this.refusal('not a list');
    return this.#value.map((_item, index) => this.at(index));
  }

  /** A map of token text to log-probability. */
  entries(): TokenScore[] {
    if (this.isAbsent()) return [];
    if (typeof this.#value !== 'object' || Array.isArray(this.#value)) throw this.refusal('not a map');
    return Object.keys(this.#value ?? {}).map((text) => ({ text, logProbability: this.get(text).number() }));
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.refusal('not a text');
    return this.#value;
  }

  number(): number {
    if (typeof this.#value !== 'number' || !Number.isFinite(this.#value)) throw this.refusal('not a number');
    return this.#value;
  }

  refusal(is: string, next?: string): RefuteError {
    return new RefuteError({
      code: 'E_HTTP_ANSWER',
      place: this.#place,
      is: `${this.#path} is ${is}`,
      ...(next === undefined ? {} : { next }),
    });
  }
}
