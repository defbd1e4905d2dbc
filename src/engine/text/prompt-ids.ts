// A prompt's text to ids, the same for every command. A template prints its own BOS or there is none, as in Transformers.
// Raw text gets what a tokenizer.json puts around it, or the BOS and EOS that a GGUF file asks for, as in llama.cpp; a
// second one beside one that is spelled included. What a reader may not expect is said.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import { strip } from './chat-template/unicode.ts';
import type { TextModel } from './text-model.ts';

export interface PromptText {
  /** What a person gave. */
  given: string;
  /** What is encoded: the same, or the template around it. */
  body: string;
  isChat: boolean;
}

/**
 * What is encoded of what a person gave: the model's chat template around it where there is one, unless `isRaw`.
 *
 * @throws RefuteError as `TextModel.renderChat` does
 */
export function promptText(
  text: TextModel,
  given: string,
  { system, isRaw = false }: { system?: string | undefined; isRaw?: boolean },
): PromptText {
  const isChat = text.hasChatTemplate && !isRaw;
  if (!isChat) return { given, body: given, isChat };
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user' as const, content: given },
  ];
  return { given, body: text.renderChat(messages, { addGenerationPrompt: true }), isChat };
}

/** @throws RefuteError E_PROMPT_EMPTY, and as `TextModel.encode` does */
export function promptIds(text: TextModel, { given, body, isChat }: PromptText): { ids: number[]; notices: Notice[] } {
  const ids = text.encode(body, { parseSpecial: true, addBos: false });
  const notices = [
    ...(isChat ? absenceNotices(body, given) : []),
    ...replacementNotices(given),
    ...controlNotices(text, given),
    ...normalizationNotices(text, body),
    ...classNotices(text, body, { ids, parseSpecial: true }),
  ];
  if (isChat) notices.push(...chatNotices(text, ids));
  else notices.push(...addEnds(text, ids));
  if (ids.length > 0) return { ids, notices };
  const is = 'it has no tokens, and this model starts no text by itself';
  const next = 'Give some text, or the first id: --tokens 1';
  throw new RefuteError({ code: 'E_PROMPT_EMPTY', place: 'prompt', is, next });
}

/** What is to be said of a text that is encoded by itself, its control tokens kept as text unless `parseSpecial`. */
export function textNotices(
  text: TextModel,
  content: string,
  { parseSpecial, addBos, ids: all }: { parseSpecial: boolean; addBos: boolean; ids: readonly number[] },
): Notice[] {
  const ids = addBos ? all.slice(1) : all;
  const notices = [
    ...replacementNotices(content),
    ...normalizationNotices(text, content),
    ...classNotices(text, content, { ids, parseSpecial }),
  ];
  const controls = parseSpecial ? [] : spelledControls(text, content);
  if (controls.length === 0) return notices;
  const message = `The text spells control tokens, kept as text: ${controlsText(text, controls)}. --special reads them.`;
  return [...notices, { severity: 'note', code: 'TEXT-CONTROL', message }];
}

interface Ends {
  before: readonly number[];
  after: readonly number[];
}

/** What raw text stands between. */
function endsOf({ frame, bosId, wantsBos, eosId, wantsEos }: TextModel): Ends {
  return (
    frame ?? {
      before: wantsBos && bosId !== null ? [bosId] : [],
      after: wantsEos && eosId !== null ? [eosId] : [],
    }
  );
}

function addEnds(text: TextModel, ids: number[]): Notice[] {
  const { before, after } = endsOf(text);
  const notices: Notice[] = [];
  const warnTwice = (name: string, added: readonly number[]): void => {
    const message = `The prompt spells ${name}, ${controlsText(text, added)}, and the model adds it: it is there twice, as in ${authority(text)}.`;
    notices.push({ severity: 'warning', code: `PROMPT-TWO-${name}`, message });
  };
  if (before.length > 0 && ids[0] === before[0]) warnTwice('BOS', before);
  if (after.length > 0 && ids.at(-1) === after.at(-1)) warnTwice('EOS', after);
  ids.unshift(...before);
  ids.push(...after);
  if (after.length === 0) return notices;
  const who = text.frame === null ? 'tokenizer.ggml.add_eos_token' : 'The post-processor of tokenizer.json';
  const message = `${who} puts ${controlsText(text, after)} behind a raw prompt, as in ${authority(text)}.`;
  return [...notices, { severity: 'note', code: 'PROMPT-EOS', message }];
}

function authority({ frame }: TextModel): string {
  return frame === null ? 'llama.cpp' : 'Transformers';
}

/** Transformers gives the model what the template prints; llama.cpp's chat puts a BOS before it where the file asks. */
function chatNotices(text: TextModel, ids: readonly number[]): Notice[] {
  const { before } = endsOf(text);
  if (before.length === 0 || ids[0] === before[0]) return [];
  const message =
    `The chat template does not print ${controlsText(text, before)}, with which raw text starts, and none is added, ` +
    'as in Transformers; llama.cpp adds a BOS. To have it, give ids: --tokens.';
  return [{ severity: 'note', code: 'PROMPT-NO-BOS', message }];
}

/** A template that leaves the prompt out, or changes it: a name in the place of a template, a condition that fails. */
function absenceNotices(body: string, given: string): Notice[] {
  // As templates trim it, which is as Python does.
  if (body.includes(strip(given, null, 'both'))) return [];
  const message = 'The text that the chat template makes does not hold the prompt as it stands.';
  return [{ severity: 'warning', code: 'PROMPT-ABSENT', message }];
}

/** A shell may hand over bytes that are no text, and nothing else shows it. */
function replacementNotices(text: string): Notice[] {
  if (!text.toWellFormed().includes('\ufffd')) return [];
  const message =
    'The text holds U+FFFD, which also stands for what is not UTF-8 on a command line and for half a surrogate pair: ' +
    'its ids are those of U+FFFD.';
  return [{ severity: 'note', code: 'TEXT-REPLACED', message }];
}

/** Where the family's own tokenizer reads another text than this one. */
function normalizationNotices({ unsaidNormalization }: TextModel, text: string): Notice[] {
  if (unsaidNormalization === null || text === text.normalize(unsaidNormalization)) return [];
  const message =
    `The text is not in Unicode's ${unsaidNormalization}, to which this family's tokenizer.json brings a text first; ` +
    "a GGUF tokenizer does not, nor does llama.cpp, so the ids are not Transformers'. Give ids to compare: --tokens.";
  return [{ severity: 'warning', code: 'PROMPT-NFC', message }];
}

/** Where the class of tokenizer that Transformers makes of the folder reads the text otherwise than tokenizer.json. */
function classNotices(
  { rebuilt }: TextModel,
  text: string,
  { ids, parseSpecial }: { ids: readonly number[]; parseSpecial: boolean },
): Notice[] {
  if (rebuilt === null) return [];
  const says = `Transformers 5 opens this folder as ${rebuilt.className}, which builds parts in place of tokenizer.json's`;
  const warn = (what: string): Notice[] => {
    const message = `${says} and ${what} tokenizer.json is followed. Give ids to compare: --tokens.`;
    return [{ severity: 'warning', code: 'TOKENIZER-CLASS', message }];
  };
  let theirs: number[];
  try {
    theirs = rebuilt.encode(text.toWellFormed(), parseSpecial);
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    return warn('leaves out a character of this text.');
  }
  const at = Array.from({ length: Math.max(ids.length, theirs.length) }).findIndex((_, i) => ids[i] !== theirs[i]);
  if (at === -1) return [];
  return warn(`gives other ids for this text: ${shownIds(theirs, at)} in place of ${shownIds(ids, at)}.`);
}

/** A few, from where they differ. */
function shownIds(ids: readonly number[], at: number): string {
  const start = Math.max(0, at - 1);
  const shown = ids.slice(start, at + 5).join(',');
  return `${start > 0 ? '…' : ''}${shown}${ids.length > at + 5 ? '…' : ''}` || 'none';
}

const SHOWN_CONTROLS = 5;

/** A prompt is encoded with its control tokens, so that one which is spelled in it takes effect, with a notice. */
function controlNotices(text: TextModel, prompt: string): Notice[] {
  const controls = spelledControls(text, prompt);
  if (controls.length === 0) return [];
  const message = `The prompt spells control tokens of the model; they are read as such, not as text: ${controlsText(text, controls)}.`;
  return [{ severity: 'warning', code: 'PROMPT-CONTROL', message }];
}

/** Ids that are in the text as control tokens and not otherwise. */
function spelledControls(text: TextModel, content: string): number[] {
  const asControl = text.encode(content, { parseSpecial: true, addBos: false });
  const asText = new Set(text.encode(content, { parseSpecial: false, addBos: false }));
  return [...new Set(asControl)].filter((id) => !asText.has(id));
}

/** `<s> (1), </s> (2)` */
function controlsText(text: TextModel, ids: readonly number[]): string {
  const shown = ids.slice(0, SHOWN_CONTROLS).map((id) => `${text.tokenText(id)} (${id})`);
  return [...shown, ...(ids.length > SHOWN_CONTROLS ? ['…'] : [])].join(', ');
}
