// The one rule by which a prompt becomes token ids, for every command of apr: an argument or --prompt goes through the
// model's chat template where it has one (--raw leaves it out), --tokens are used exactly as they stand. Here
// are its flags, which every command shows; render-prompt.ts has the engine do the rest.
import type { Command } from 'commander';
import type { Notice } from '../../engine/index.ts';
import { parseWhole } from '../../decimal.ts';
import { RefuteError } from '../../errors.ts';

export interface PromptFlags {
  prompt?: string;
  tokens?: string;
  system?: string;
  raw?: true;
}

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

/** @throws RefuteError E_USAGE unless there is exactly one prompt */
export function chooseOne(argument: string | undefined, { prompt, tokens, system, raw }: PromptFlags): Given {
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
