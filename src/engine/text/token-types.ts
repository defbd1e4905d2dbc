// What kind of token each id is, and which ids end a generation. A file says so in part; llama.cpp knows some tokens by
// their spelling whatever the file says, in the order below, and so does this. Every correction is said.
import type { Notice } from '../../notice.ts';
import type { TokenizerKeys } from './tokenizer-keys.ts';

/** `tokenizer.ggml.token_type`, as GGUF numbers it; any other number is `undefined`. */
export const TOKEN_TYPE = {
  undefined: 0,
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** The spellings by which the end of a turn or text is known when no key names it. */
const END_SPELLINGS: readonly string[] = [
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<｜end▁of▁sentence｜>',
  '[e~[',
];

/** Tokens of fill-in-the-middle by key: a control token where the key is absent; some of them end a text. */
const FIM: readonly { keys: readonly string[]; isEnd: boolean; spellings: readonly string[] }[] = [
  { keys: ['fim_pad_token_id'], isEnd: true, spellings: ['<|fim_pad|>', '<fim-pad>', '<fim_pad>', '<PAD>', '[PAD]'] },
  {
    keys: ['fim_rep_token_id'],
    isEnd: true,
    spellings: ['<|fim_repo|>', '<|repo_name|>', '<fim-repo>', '<REPO>', '<reponame>'],
  },
  { keys: ['fim_sep_token_id'], isEnd: true, spellings: ['<|file_sep|>'] },
  {
    keys: ['fim_pre_token_id', 'prefix_token_id'],
    isEnd: false,
    spellings: [
      '<|fim_prefix|>',
      '<fim-prefix>',
      '<fim_prefix>',
      '<｜fim▁begin｜>',
      '<PRE>',
      '▁<PRE>',
      '<|code_prefix|>',
      '<|prefix|>',
    ],
  },
  {
    keys: ['fim_suf_token_id', 'suffix_token_id'],
    isEnd: false,
    spellings: [
      '<|fim_suffix|>',
      '<fim-suffix>',
      '<fim_suffix>',
      '<｜fim▁hole｜>',
      '<SUF>',
      '▁<SUF>',
      '<|code_suffix|>',
      '<|suffix|>',
    ],
  },
  {
    keys: ['fim_mid_token_id', 'middle_token_id'],
    isEnd: false,
    spellings: [
      '<|fim_middle|>',
      '<fim-middle>',
      '<fim_middle>',
      '<｜fim▁end｜>',
      '<MID>',
      '▁<MID>',
      '<|code_middle|>',
      '<|middle|>',
    ],
  },
];

/** Markup that is always shown and always parsed, whatever the file marks it as. */
const ALWAYS_SHOWN = ['<|channel|>', '<|message|>', '<|start|>', '<|constrain|>'] as const;

/** Where all of a row are there, the last of it is text that ends nothing. */
const NOT_AN_END: readonly (readonly [all: readonly string[], exempt: string, type: number])[] = [
  [['<|return|>', '<|call|>'], '<|end|>', TOKEN_TYPE.userDefined],
  [['<|return|>', '<|calls|>'], '<|end|>', TOKEN_TYPE.userDefined],
  [['<|flush|>', '<|call|>'], '<|end|>', TOKEN_TYPE.userDefined],
  [['<|flush|>', '<|calls|>'], '<|end|>', TOKEN_TYPE.userDefined],
  [['<|tool_response>'], '</s>', TOKEN_TYPE.normal],
];

export interface MarkedTokens {
  /** `TOKEN_TYPE` by id. */
  types: Uint8Array;
  endIds: ReadonlySet<number>;
}

/**
 * @param of.stated ends that other files name, of a folder; null for a GGUF file, whose markup follows all of the rules
 * @param of.eosId the end of a text, where known
 */
export function markTokens(
  reader: TokenizerKeys,
  tokens: readonly string[],
  idOf: ReadonlyMap<string, number>,
  notify: (notice: Notice) => void,
  { stated, eosId }: { stated: readonly number[] | null; eosId: number | null },
): MarkedTokens {
  const types = storedTypes(reader, tokens.length);
  const idsOf = (spellings: readonly string[]): number[] =>
    spellings.flatMap((spelling) => idOf.get(spelling) ?? []).toSorted((a, b) => a - b);
  const retype = (ids: readonly number[], type: number, code: string, as: string): void => {
    for (const id of ids) {
      if (types[id] === type) continue;
      types[id] = type;
      const message = `token ${id} ${JSON.stringify(tokens[id])} is not marked as ${as}; it is taken as one.`;
      notify({ severity: 'warning', code, message });
    }
  };
  const endIds = new Set<number>(stated ?? []);
  const takeControl = (ids: readonly number[]): void =>
    retype(ids, TOKEN_TYPE.control, 'CONTROL-FALLBACK', 'a control token');
  for (const { keys, isEnd, spellings } of FIM) {
    const named = keys.flatMap((key) => reader.id(`tokenizer.ggml.${key}`, tokens.length, notify) ?? []);
    const spelled = named.length === 0 ? idsOf(spellings) : [];
    takeControl(stated === null ? spelled : []);
    if (isEnd) for (const id of [...named, ...spelled]) endIds.add(id);
  }
  // A folder says which of its tokens are special.
  const ends = idsOf(END_SPELLINGS).filter((id) => stated === null || types[id] === TOKEN_TYPE.control);
  takeControl(ends);
  for (const id of ends) endIds.add(id);
  if (stated === null) retype(idsOf(ALWAYS_SHOWN), TOKEN_TYPE.userDefined, 'MARKUP-SHOWN', 'markup that is shown');
  for (const key of ['eot_token_id', 'eom_token_id']) {
    const id = reader.id(`tokenizer.ggml.${key}`, tokens.length, notify);
    if (id !== null) endIds.add(id);
  }
  if (eosId !== null) endIds.add(eosId);
  exemptEnds(idOf, stated, { types, endIds }, notify);
  if (endIds.size === 0) {
    const message = 'The file names no end token: a generation ends only at its limit.';
    notify({ severity: 'warning', code: 'EOS-FALLBACK', message });
  }
  return { types, endIds };
}

function storedTypes(reader: TokenizerKeys, tokenCount: number): Uint8Array {
  const stored = reader.numbers('tokenizer.ggml.token_type', tokenCount);
  if (stored === null) return new Uint8Array(tokenCount).fill(TOKEN_TYPE.normal);
  const types = new Uint8Array(tokenCount);
  for (const [id, type] of stored.entries()) if (type >= 1 && type <= 6) types[id] = type;
  return types;
}

function exemptEnds(
  idOf: ReadonlyMap<string, number>,
  stated: readonly number[] | null,
  { types, endIds }: { types: Uint8Array; endIds: Set<number> },
  notify: (notice: Notice) => void,
): void {
  for (const [all, exempt, type] of NOT_AN_END) {
    const id = idOf.get(exempt);
    if (id === undefined || !endIds.has(id) || stated?.includes(id) === true) continue;
    if (!all.every((spelling) => idOf.has(spelling))) continue;
    endIds.delete(id);
    if (stated === null) types[id] = type;
    const message = `The vocabulary has ${all.join(' and ')}: token ${id} "${exempt}" ends nothing in it.`;
    notify({ severity: 'note', code: 'END-EXEMPT', message });
  }
}
