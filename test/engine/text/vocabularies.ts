// Small vocabularies as GGUF metadata, for the tests beside this file.
import { byteSpellings } from '../../../falsifiers/kit/models/tiny-model.ts';
import { TOKEN_TYPE } from '../../../src/engine/text/vocabulary.ts';

export type Metadata = Map<string, unknown>;

/** Byte-level BPE: token id = byte for the first 256, then `merged`, then the control tokens <|end|> and <|begin|>. */
export function bpeMetadata(merges: readonly string[] = [], changes: Readonly<Record<string, unknown>> = {}): Metadata {
  const tokens = [...byteSpellings(), ...merges.map((merge) => merge.replace(' ', '')), '<|end|>', '<|begin|>'];
  return withChanges(
    {
      'general.architecture': 'qwen2',
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'qwen2',
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': tokens.map((_, id) =>
        id < tokens.length - 2 ? TOKEN_TYPE.normal : TOKEN_TYPE.control,
      ),
      'tokenizer.ggml.merges': [...merges],
      'tokenizer.ggml.bos_token_id': tokens.length - 1,
      'tokenizer.ggml.eos_token_id': tokens.length - 2,
      'tokenizer.ggml.add_bos_token': false,
    },
    changes,
  );
}

/** SentencePiece: <unk> <s> </s>, the 256 byte tokens (id = byte + 3), then `scored` from id 259 on. */
export function sentencePieceMetadata(
  scored: readonly (readonly [token: string, score: number])[],
  changes: Readonly<Record<string, unknown>> = {},
): Metadata {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const { unknown, control, byte, normal } = TOKEN_TYPE;
  return withChanges(
    {
      'general.architecture': 'llama',
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': ['<unk>', '<s>', '</s>', ...bytes, ...scored.map(([token]) => token)],
      'tokenizer.ggml.token_type': [unknown, control, control, ...bytes.map(() => byte), ...scored.map(() => normal)],
      'tokenizer.ggml.scores': [0, 0, 0, ...bytes.map(() => 0), ...scored.map(([, score]) => score)],
      'tokenizer.ggml.bos_token_id': 1,
      'tokenizer.ggml.eos_token_id': 2,
    },
    changes,
  );
}

function withChanges(base: Record<string, unknown>, changes: Readonly<Record<string, unknown>>): Metadata {
  return new Map(Object.entries({ ...base, ...changes }).filter(([, value]) => value !== undefined));
}
