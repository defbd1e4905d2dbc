// Vocabularies made from a seed, and the GGUF files that hold them: no tensors, so that a tokenizer is all that there is
// to open. Files are written byte by byte (gguf-bytes.ts); nothing here has seen the product's own vocabulary code.
import { ggufFile, text, u32, type GgufEntry, type GgufScalar } from '../kit/models/gguf-bytes.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';

/** GGUF's own numbers. */
export const TOKEN_KIND = { normal: 1, unknown: 2, control: 3, userDefined: 4, byte: 6 } as const;

export interface SlowVocabulary {
  kind: 'bpe' | 'sentencepiece';
  /** `tokenizer.ggml.pre`; empty for SentencePiece. */
  pre: string;
  tokens: readonly string[];
  kinds: readonly number[];
  /** BPE: [left, right], first ones merge first. */
  merges: readonly (readonly [string, string])[];
  /** SentencePiece: by id. */
  scores: readonly number[];
  /** SentencePiece: every stretch of text starts with a space. */
  hasSpacePrefix: boolean;
}

/** GPT-2's printable stand-in for each byte. */
export const BYTE_SPELLINGS: readonly string[] = (() => {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let shifted = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : 256 + shifted++));
})();

/** The cuts that the slow reference knows. */
export const CUTS = ['qwen2', 'smollm', 'gpt-2', 'llama-bpe'] as const;

const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
/** Control tokens that hold each other, so that the order in which they are looked for shows. */
const OVERLAPPING = ['<|im', '|>', '<|', 'end|>'];
const USER_DEFINED = ['<tool>', '  \n'];
const SENTENCEPIECE_USER_DEFINED = ['<tool>', '  ', '   ', '\n\n'];
const WHOLE_TOKENS: ReadonlySet<string> = new Set([
  ...SPECIALS,
  ...OVERLAPPING,
  ...USER_DEFINED,
  ...SENTENCEPIECE_USER_DEFINED,
]);

/** What merges are learned from: every kind of neighbour that a cut may part or leave together. */
const SAMPLE =
  "It's what I'd say; we'll, they've, I'm, THEY'LL 'S  two   spaces\n\n\ttab\r\n 12 345 6789 ٣٤ ½ x1y2 é né ñandú 漢字 かな " +
  'שלום مرحبا привет 👩‍👩‍👧 🇩🇪 a\u0301 \ufeff \u200b\u00a0\u2003 \u0085 \u3000 !!! ... ?\n=== {}[]()\n<|im_start|>user\n<|im_end|> the then there';

/**
 * Byte-level BPE, with merges learned at random from a sample: some are common words, some join what a cut parts, some
 * stand in another order than training would give.
 */
export function bpeVocabulary(seed: number, pre: string): SlowVocabulary {
  const random = new SeededRandom(seed);
  const tokens = [...BYTE_SPELLINGS];
  const merges: [string, string][] = [];
  let pieces = Array.from(new TextEncoder().encode(SAMPLE), (byte) => BYTE_SPELLINGS[byte] ?? '');
  for (let tries = 0; tries < 260; tries++) {
    const at = random.below(pieces.length - 1);
    const [left, right] = [pieces[at] ?? '', pieces[at + 1] ?? ''];
    // A spelling has one id: what is learned is neither there already nor a whole token.
    if (tokens.includes(left + right) || WHOLE_TOKENS.has(left + right)) continue;
    tokens.push(left + right);
    merges.push([left, right]);
    pieces = joinAll(pieces, left, right);
  }
  // A few merges trade places: ranks need not be those of a trainer.
  for (let swaps = 0; swaps < 12; swaps++) {
    const [a, b] = [random.below(merges.length), random.below(merges.length)];
    const [first, second] = [merges[a], merges[b]];
    if (first !== undefined && second !== undefined) [merges[a], merges[b]] = [second, first];
  }
  // Where a word that is a token is taken whole, llama.cpp gives a control token for its spelling although none is asked
  // for; the product does not. Real control tokens are no single word, and neither are these.
  const overlapping = pre === 'llama-bpe' || random.below(2) === 0 ? [] : OVERLAPPING;
  const controls = [...SPECIALS, ...overlapping];
  const kinds = [
    ...tokens.map(() => TOKEN_KIND.normal),
    ...controls.map(() => TOKEN_KIND.control),
    ...USER_DEFINED.map(() => TOKEN_KIND.userDefined),
  ];
  const all = [...tokens, ...controls, ...USER_DEFINED];
  return { kind: 'bpe', pre, tokens: all, kinds, merges, scores: [], hasSpacePrefix: false };
}

/** Every two bytes merge: where a text is cut shows in the ids, whatever stands there. */
export function pairVocabulary(pre: string): SlowVocabulary {
  const merges = BYTE_SPELLINGS.flatMap((left) => BYTE_SPELLINGS.map((right): [string, string] => [left, right]));
  const tokens = [...BYTE_SPELLINGS, ...merges.map((merge) => merge.join('')), '<|endoftext|>'];
  const kinds = tokens.map((_, id) => (id === tokens.length - 1 ? TOKEN_KIND.control : TOKEN_KIND.normal));
  return { kind: 'bpe', pre, tokens, kinds, merges, scores: [], hasSpacePrefix: false };
}

/**
 * SentencePiece with byte fallback; few scores, so that many merges tie and their place in the text has to decide. Runs of
 * spaces and line ends are tokens of their own, as in Gemma; of two neighbouring seeds one gives a space prefix.
 */
export function sentencePieceVocabulary(seed: number): SlowVocabulary {
  const random = new SeededRandom(seed);
  const bytes = BYTE_SPELLINGS.map((_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const characters = [...new Set(SAMPLE.replaceAll(' ', '▁'))].filter((c) => c === '▁' || random.below(5) > 0);
  const longer = new Set<string>();
  let pieces = Array.from(SAMPLE.replaceAll(' ', '▁'));
  for (let tries = 0; tries < 200; tries++) {
    const at = random.below(pieces.length - 1);
    const [left, right] = [pieces[at] ?? '', pieces[at + 1] ?? ''];
    // llama.cpp takes some spellings for control tokens whatever the file says; they are not learned as text.
    if (Array.from(left + right).length > 12 || WHOLE_TOKENS.has(left + right)) continue;
    longer.add(left + right);
    pieces = joinAll(pieces, left, right);
  }
  const normal = [...new Set([...characters, ...longer])];
  return {
    kind: 'sentencepiece',
    pre: '',
    tokens: ['<unk>', '<s>', '</s>', ...bytes, ...normal, ...SENTENCEPIECE_USER_DEFINED],
    kinds: [
      TOKEN_KIND.unknown,
      TOKEN_KIND.control,
      TOKEN_KIND.control,
      ...bytes.map(() => TOKEN_KIND.byte),
      ...normal.map(() => TOKEN_KIND.normal),
      ...SENTENCEPIECE_USER_DEFINED.map(() => TOKEN_KIND.userDefined),
    ],
    merges: [],
    // Quarters are exact in float32, so a tie in the file is a tie for everyone.
    scores: [
      0,
      0,
      0,
      ...bytes.map(() => 0),
      ...normal.map(() => -random.below(24) / 4),
      ...SENTENCEPIECE_USER_DEFINED.map(() => 0),
    ],
    hasSpacePrefix: seed % 2 === 0,
  };
}

function joinAll(pieces: readonly string[], left: string, right: string): string[] {
  const joined: string[] = [];
  for (let i = 0; i < pieces.length; i++) {
    const isPair = pieces[i] === left && pieces[i + 1] === right;
    joined.push(isPair ? left + right : (pieces[i] ?? ''));
    if (isPair) i += 1;
  }
  return joined;
}

/**
 * A GGUF file that holds the vocabulary and no tensor. The architecture keys are there because llama.cpp wants them.
 *
 * @param spelled the bytes of tokens that are no text, by id; `tokens` has a stand-in for each
 */
export function vocabularyFile(
  vocabulary: SlowVocabulary,
  spelled: ReadonlyMap<number, Uint8Array> = new Map(),
): Uint8Array {
  const { kind, pre, tokens, kinds, merges, scores, hasSpacePrefix } = vocabulary;
  const array = (key: string, of: GgufScalar['type'], values: readonly GgufScalar['value'][]): GgufEntry => ({
    key: `tokenizer.ggml.${key}`,
    value: { type: 'array', of, values },
  });
  const isBpe = kind === 'bpe';
  const own = isBpe
    ? [
        text('tokenizer.ggml.pre', pre),
        array(
          'merges',
          'string',
          merges.map((merge) => merge.join(' ')),
        ),
        u32('tokenizer.ggml.eos_token_id', tokens.indexOf('<|endoftext|>')),
        u32('tokenizer.ggml.bos_token_id', tokens.indexOf('<|endoftext|>')),
      ]
    : [
        array('scores', 'f32', scores),
        u32('tokenizer.ggml.bos_token_id', tokens.indexOf('<s>')),
        u32('tokenizer.ggml.eos_token_id', tokens.indexOf('</s>')),
        { key: 'tokenizer.ggml.add_space_prefix', value: { type: 'bool' as const, value: hasSpacePrefix } },
      ];
  const metadata: GgufEntry[] = [
    text('general.architecture', 'llama'),
    u32('llama.block_count', 1),
    u32('llama.context_length', 64),
    u32('llama.embedding_length', 8),
    u32('llama.feed_forward_length', 8),
    u32('llama.attention.head_count', 1),
    { key: 'llama.attention.layer_norm_rms_epsilon', value: { type: 'f32', value: 1e-5 } },
    text('tokenizer.ggml.model', isBpe ? 'gpt2' : 'llama'),
    { key: 'tokenizer.ggml.tokens', value: stringList(tokens, spelled) },
    array('token_type', 'i32', kinds),
    ...own,
  ];
  return ggufFile({ metadata, tensors: [] }).bytes;
}

/** Element type 8 (string) | count u64 | of each: length u64, bytes. */
function stringList(texts: readonly string[], spelled: ReadonlyMap<number, Uint8Array>): GgufEntry['value'] {
  const bytes = [...u32Bytes(8), ...u64Bytes(texts.length)];
  for (const [i, value] of texts.entries()) {
    const own = spelled.get(i) ?? new TextEncoder().encode(value);
    bytes.push(...u64Bytes(own.length), ...own);
  }
  return { type: 'raw', typeId: 9, bytes: Uint8Array.from(bytes) };
}

function u32Bytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64Bytes(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}
