// The model's own chat template, a Jinja program from its file, rendered to Transformers' text. `@huggingface/jinja`
// parses; what it reads or computes otherwise than Jinja2 is put right around it, or refused.
import { parse } from '@huggingface/jinja';
import { RefuteError } from '../../errors.ts';
import { check } from './chat-template/check.ts';
import { arrange } from './chat-template/grammar.ts';
import { globalNames } from './chat-template/globals.ts';
import { Interpreter } from './chat-template/interpreter.ts';
import { lex } from './chat-template/lexer.ts';
import type { Node } from './chat-template/syntax.ts';
import { toValue, withReasoning } from './chat-template/to-value.ts';
import { startWork } from './chat-template/work.ts';
import { NotFollowed } from './chat-template/values.ts';
import type { ChatMessage } from './text-model.ts';

const KEY = 'tokenizer.chat_template';
const NEXT = 'Use --raw to leave the template out';

/** Longer than any template in use by a factor of 10; above it a file is broken or hostile. */
const MAX_TEMPLATE_CHARACTERS = 1_000_000;

/** The spellings of the tokens that a template may name; one that the file has not is undefined there. */
export interface SpecialTexts {
  bos?: string | null;
  eos?: string | null;
  unk?: string | null;
  sep?: string | null;
  pad?: string | null;
  cls?: string | null;
  mask?: string | null;
}

export class ChatTemplate {
  readonly #source: string;
  readonly #now: () => Date;
  #program: Node | null = null;

  /** @param now what `strftime_now` writes */
  constructor(source: string, now: () => Date = () => new Date()) {
    this.#source = source;
    this.#now = now;
  }

  /** True where the text depends on the day it is rendered. */
  get readsClock(): boolean {
    return this.#source.includes('strftime_now');
  }

  /**
   * @param variables add to what templates are given or stand for it: `tools`, `documents`, `enable_thinking`
   * @throws RefuteError E_CHAT_TEMPLATE (does not parse or run), E_CHAT_TEMPLATE_REFUSED (refuses the messages)
   */
  render(
    messages: readonly ChatMessage[],
    texts: SpecialTexts,
    addGenerationPrompt: boolean,
    variables: Readonly<Record<string, unknown>> = {},
  ): string {
    const specials = Object.entries(texts).filter(([, text]) => text !== null && text !== undefined);
    const given: Record<string, unknown> = {
      ...Object.fromEntries(specials.map(([name, text]) => [`${name}_token`, text])),
      messages: messages.map((message) => withReasoning({ ...message })),
      tools: null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      ...variables,
    };
    startWork();
    try {
      this.#program ??= parseTemplate(this.#source);
      const values = Object.entries(given).filter(([, value]) => value !== undefined);
      return new Interpreter().run(this.#program, [
        ...globalNames(refuse, this.#now),
        ...values.map(([name, value]) => [name, toValue(value)] as const),
      ]);
    } catch (error) {
      if (error instanceof RefuteError) throw error;
      if (error instanceof RangeError) throw failure('it is nested too deep, or its text is too long', error);
      const what = error instanceof Error ? error.message : String(error);
      throw failure(
        error instanceof NotFollowed ? `it is not rendered: ${what}` : `it does not render: ${what}`,
        error,
      );
    }
  }
}

function failure(is: string, cause: unknown): RefuteError {
  return new RefuteError({ code: 'E_CHAT_TEMPLATE', place: KEY, is, next: NEXT, cause });
}

function parseTemplate(source: string): Node {
  if (source.length > MAX_TEMPLATE_CHARACTERS) {
    const allowed = `at most ${MAX_TEMPLATE_CHARACTERS} are read`;
    throw new RefuteError({
      code: 'E_CHAT_TEMPLATE',
      place: KEY,
      is: `${source.length} characters`,
      allowed,
      next: NEXT,
    });
  }
  // Its types are the library's own, which it does not export; the tokens differ from them by a number.
  const program = parse(arrange(lex(source)) as Parameters<typeof parse>[0]) as unknown as Node;
  check([program]);
  return program;
}

function refuse(message: string): never {
  const is = `the template refuses these messages: ${message}`;
  throw new RefuteError({ code: 'E_CHAT_TEMPLATE_REFUSED', place: KEY, is });
}
