// From the flags of a prompt to its token ids: prompt.ts has the flags. Loaded where a model is open, because it needs the
// engine; what stands at the two ends of a text is the engine's rule (prompt-ids.ts).
import { promptIds, promptText, type Model } from '../../engine/index.ts';
import { inBoundedTime } from './bounded-time.ts';
import { chooseOne, parseTokenIds, usage, type PromptFlags, type RenderedPrompt } from './prompt.ts';

const DEFAULT_PROMPT = 'What is 2+2?';

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
  const prompt = promptText(model.text, given.prompt, { system: flags.system, isRaw: flags.raw === true });
  if (!prompt.isChat && flags.system !== undefined) {
    throw usage('--system', 'there is no chat template to put it in', 'the model has none, or --raw leaves it out');
  }
  const { ids, notices } = inBoundedTime(prompt.body, () => promptIds(model.text, prompt));
  return { ids, source: prompt.isChat ? 'chat' : 'raw', text: prompt.body, notices };
}

/** For commands that look at an engine, not at a text: without any prompt, a short question. */
export function renderPromptOrDefault(model: Model, argument: string | undefined, flags: PromptFlags): RenderedPrompt {
  const given = argument ?? flags.prompt ?? flags.tokens;
  return renderPrompt(model, given === undefined ? DEFAULT_PROMPT : argument, flags);
}
