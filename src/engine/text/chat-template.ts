// The model's own chat template, a Jinja program from its file, rendered by `@huggingface/jinja`. The library's clock
// speaks the language of the machine and its `range` allocates what it is told to; both are replaced here.
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { RefuteError } from '../../errors.ts';
import type { ChatMessage } from './text-model.ts';

const KEY = 'tokenizer.chat_template';

/** Longer than any template in use by a factor of 10; above it a file is broken or hostile. */
const MAX_TEMPLATE_CHARACTERS = 1_000_000;
/** Templates count messages; none needs more numbers. */
const MAX_RANGE = 100_000;

const CONSTANTS = { true: true, True: true, false: false, False: false, none: null, None: null };

export interface SpecialTexts {
  bos: string;
  eos: string;
}

export class ChatTemplate {
  readonly #source: string;
  #template: Template | null = null;

  constructor(source: string) {
    this.#source = source;
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
    // Not Template.render: it declares the library's own functions and refuses others of the same name.
    const environment = new Environment();
    const globals = {
      ...CONSTANTS,
      messages,
      bos_token: texts.bos,
      eos_token: texts.eos,
      add_generation_prompt: addGenerationPrompt,
      raise_exception: refuse,
      strftime_now: (format: unknown) => formatTime(new Date(), String(format)),
      range: boundedRange,
      tools: null,
      documents: null,
      ...variables,
    };
    try {
      this.#template ??= parse(this.#source);
      for (const [name, value] of Object.entries(globals)) environment.set(name, value);
      return String(new Interpreter(environment).run(this.#template.parsed).value);
    } catch (error) {
      if (error instanceof RefuteError) throw error;
      const is = `it does not render: ${error instanceof Error ? error.message : String(error)}`;
      const next = 'Use --raw to leave the template out';
      throw new RefuteError({ code: 'E_CHAT_TEMPLATE', place: KEY, is, next, cause: error });
    }
  }
}

function parse(source: string): Template {
  if (source.length > MAX_TEMPLATE_CHARACTERS) {
    const allowed = `at most ${MAX_TEMPLATE_CHARACTERS} are read`;
    const next = 'Use --raw to leave the template out';
    throw new RefuteError({ code: 'E_CHAT_TEMPLATE', place: KEY, is: `${source.length} characters`, allowed, next });
  }
  return new Template(source);
}

function refuse(message: unknown): never {
  const is = `the template refuses these messages: ${String(message)}`;
  throw new RefuteError({ code: 'E_CHAT_TEMPLATE_REFUSED', place: KEY, is });
}

/** Python's range: (stop), (start, stop) or (start, stop, step). */
function boundedRange(first: unknown, second?: unknown, third?: unknown): number[] {
  const [start, stop] = second === undefined ? [0, Number(first)] : [Number(first), Number(second)];
  const step = third === undefined ? 1 : Number(third);
  const count = Math.ceil((stop - start) / step);
  if (!(count <= MAX_RANGE)) throw new Error(`range of ${count} numbers, at most ${MAX_RANGE} are allowed`);
  return Array.from({ length: Math.max(0, count) }, (_, i) => start + i * step);
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Python's strftime in its C locale, for the directives that templates use; another one stays as it stands. */
function formatTime(time: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = MONTHS[time.getMonth()] ?? '';
  const day = DAYS[time.getDay()] ?? '';
  const directives: Readonly<Record<string, string>> = {
    '%Y': String(time.getFullYear()),
    '%y': two(time.getFullYear() % 100),
    '%m': two(time.getMonth() + 1),
    '%d': two(time.getDate()),
    '%b': month.slice(0, 3),
    '%B': month,
    '%a': day.slice(0, 3),
    '%A': day,
    '%H': two(time.getHours()),
    '%M': two(time.getMinutes()),
    '%S': two(time.getSeconds()),
    '%%': '%',
  };
  return format.replaceAll(/%[a-zA-Z%]/g, (directive) => directives[directive] ?? directive);
}
