// From the flags of a prompt to its token ids: prompt.ts has the flags. Loaded where a model is open, because it needs the
// engine; what stands at the two ends of a text is the engine's rule (prompt-ids.ts).
import { promptIds, type Model } from '../../engine/index.ts';
import { RefuteError } from '../../errors.ts';
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
  const isChat = model.text.hasChatTemplate && flags.raw !== true;
  if (!isChat && flags.system !== undefined) {
    throw usage('--system', 'there is no chat template to put it in', 'the model has none, or --raw leaves it out');
  }
  const text = isChat ? renderChat(model, given.prompt, flags.system) : given.prompt;
  const { ids, notices } = inBoundedTime(text, () =>
    promptIds(model.text, { given: given.prompt, body: text, isChat }),
  );
  if (ids.length === 0) {
    const is = 'it has no tokens, and this model starts no text by itself';
    const next = 'Give some text, or the first id: --tokens 1';
    throw new RefuteError({ code: 'E_PROMPT_EMPTY', place: 'prompt', is, next });
  }
  return { ids, source: isChat ? 'chat' : 'raw', text, notices };
}

/** For commands that look at an engine, not at a text: without any prompt, a short question. */
export function renderPromptOrDefault(model: Model, argument: string | undefined, flags: PromptFlags): RenderedPrompt {
  const given = argument ?? flags.prompt ?? flags.tokens;
  return renderPrompt(model, given === undefined ? DEFAULT_PROMPT : argument, flags);
}

function renderChat({ text }: Model, prompt: string, system: string | undefined): string {
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user' as const, content: prompt },
  ];
  return text.renderChat(messages, { addGenerationPrompt: true });
}
