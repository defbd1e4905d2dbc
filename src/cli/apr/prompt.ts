// The one rule by which a prompt becomes token ids, for every command of apr: an argument or --prompt goes through the
// model's chat template where it has one (--raw leaves it out), --tokens are used exactly as they stand.
import type { Command } from 'commander';
import type { Model, Notice } from '../../engine/index.ts';
import { parseWhole } from '../../decimal.ts';
import { RefuteError } from '../../errors.ts';

export interface PromptFlags {
  prompt?: string;
  tokens?: string;
  system?: string;
  raw?: true;
}

const DEFAULT_PROMPT = 'What is 2+2?';

export interface RenderedPrompt {
  /** What the model is given, BOS included. */
  ids: number[];
  source: 'chat' | 'raw' | 'tokens';
  /** The text behind the ids; null where ids were given. */
  text: string | null;
  notices: Notice[];
}

/** Adds `[prompt]`, `--prompt`, `--tokens`, `--system` and `--raw` to a command that takes a model first. */
export function addPromptOptions(command: Command): Command {
  return command
    .argument('[prompt]', 'the prompt; the same as --prompt')
    .option('-p, --prompt <text>', 'the prompt, put through the chat template where the model has one')
    .option('--tokens <ids>', 'the prompt as token ids, used exactly as they stand: 1,5,9')
    .option('--system <text>', 'a system message before the prompt (needs a chat template)')
    .option('--raw', 'no chat template: the prompt is the text to continue');
}

/** Checks, before a model is opened, that there is exactly one prompt. @throws RefuteError E_USAGE */
export function checkPromptFlags(argument: string | undefined, flags: PromptFlags): void {
  chooseOne(argument, flags);
}

/**
 * @param argument the prompt given as an argument, if any
 * @throws RefuteError E_USAGE (no prompt, two prompts, flags that exclude each other, bad ids), E_PROMPT_EMPTY, and
 *   those of tokenizer and chat template
 */
export function renderPrompt(model: Model, argument: string | undefined, flags: PromptFlags): RenderedPrompt {
  const given = chooseOne(argument, flags);
  if (given.tokens !== undefined) {
    return { ids: parseTokenIds(given.tokens, model.config.vocabSize), source: 'tokens', text: null, notices: [] };
  }
  const isChat = model.text.hasChatTemplate && flags.raw !== true;
  if (!isChat && flags.system !== undefined) {
    throw usage('--system', 'there is no chat template to put it in', 'the model has none, or --raw leaves it out');
  }
  const text = isChat ? renderChat(model, given.prompt, flags.system) : given.prompt;
  const ids = model.text.encode(text, { parseSpecial: true, addBos: false });
  const { bosId, wantsBos, frame } = model.text;
  if (frame !== null) {
    // As Transformers: a conversation is what its template prints, a text alone what the post-processor makes of it.
    if (!isChat) {
      ids.unshift(...frame.before);
      ids.push(...frame.after);
    }
  } else if (wantsBos && bosId !== null && ids[0] !== bosId) {
    // A template that writes the BOS itself must not get a second one.
    ids.unshift(bosId);
  }
  if (ids.length === 0) {
    const is = 'it has no tokens, and this model starts no text by itself';
    const next = 'Give some text, or the first id: --tokens 1';
    throw new RefuteError({ code: 'E_PROMPT_EMPTY', place: 'prompt', is, next });
  }
  const notices = isChat ? controlNotices(model, given.prompt) : endNotices(model);
  return { ids, source: isChat ? 'chat' : 'raw', text, notices };
}

/** For commands that look at an engine, not at a text: without any prompt, a short question. */
export function renderPromptOrDefault(model: Model, argument: string | undefined, flags: PromptFlags): RenderedPrompt {
  const given = argument ?? flags.prompt ?? flags.tokens;
  return renderPrompt(model, given === undefined ? DEFAULT_PROMPT : argument, flags);
}

/**
 * `1,5,9` -> [1, 5, 9].
 *
 * @throws RefuteError E_USAGE unless every id is a whole number below `vocabSize`
 */
export function parseTokenIds(list: string, vocabSize: number, flag = '--tokens'): number[] {
  return list.split(',').map((item, i) => {
    const text = item.trim();
    const id = parseWhole(text);
    if (id !== null && id < vocabSize) return id;
    const is = `entry ${i + 1} of ${list.split(',').length} is ${JSON.stringify(text)}`;
    throw usage(flag, is, `ids from 0 to ${vocabSize - 1}, separated by commas, are needed`);
  });
}

export function usage(place: string, is: string, allowed: string): RefuteError {
  return new RefuteError({ code: 'E_USAGE', place, is, allowed });
}

type Given = { prompt: string; tokens?: undefined } | { tokens: string };

function chooseOne(argument: string | undefined, { prompt, tokens, system, raw }: PromptFlags): Given {
  const texts = [argument, prompt].filter((text) => text !== undefined);
  const [text] = texts;
  if (texts.length + (tokens === undefined ? 0 : 1) > 1) {
    throw usage('prompt', 'it is given more than once', 'one of argument, --prompt and --tokens is needed');
  }
  if (tokens !== undefined) {
    if (system !== undefined || raw === true) {
      throw usage('--tokens', '--system or --raw is given too', 'ids are used exactly as they stand');
    }
    return { tokens };
  }
  if (text === undefined) throw usage('prompt', 'there is none', 'an argument, --prompt or --tokens is needed');
  return { prompt: text };
}

function renderChat({ text }: Model, prompt: string, system: string | undefined): string {
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user' as const, content: prompt },
  ];
  return text.renderChat(messages, { addGenerationPrompt: true });
}

/** An end token behind a text that is to go on is worth a word. */
function endNotices({ text }: Model): Notice[] {
  const after = text.frame?.after ?? [];
  if (after.length === 0) return [];
  const tokens = after.map((id) => `${text.tokenText(id)} (${id})`).join(', ');
  const message = `The post-processor of tokenizer.json puts ${tokens} behind a raw prompt, as in Transformers.`;
  return [{ severity: 'note', code: 'PROMPT-EOS', message }];
}

/** The rendered text is encoded as a whole, so a control token spelled in the prompt takes effect, with a notice. */
function controlNotices({ text }: Model, prompt: string): Notice[] {
  const asControl = text.encode(prompt, { parseSpecial: true, addBos: false });
  const asText = text.encode(prompt, { parseSpecial: false, addBos: false });
  if (asControl.length === asText.length && asControl.every((id, i) => id === asText[i])) return [];
  const message = 'The prompt spells control tokens of the model; they are read as such, not as text.';
  return [{ severity: 'warning', code: 'PROMPT-CONTROL', message }];
}
