// tokenizer.json files for the slow tokenizer: components that it knows, in all their settings, over vocabularies in which
// much is missing.
import fc from 'fast-check';
import { byteToken, type SlowAdded, type SlowComponent, type SlowFolder } from './slow-folder.ts';

const CHARACTERS = Array.from("▁abcdehilnorstuxkITS0123'|<>_ \né漢");
const WHOLE = ['<s>', '</s>', '<tool>', '<|im_start|>', '<|im', '|>', 'the', 't', 'É'];
const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'];

const normalizer: fc.Arbitrary<SlowComponent> = fc.oneof(
  fc.record({ type: fc.constant('Prepend'), prepend: fc.constantFrom('▁', ' ', 'ab') }),
  fc.record({
    type: fc.constant('Replace'),
    pattern: fc.constant({ String: ' ' }),
    content: fc.constantFrom('▁', '_', ''),
  }),
  fc.constant({ type: 'Strip', strip_left: true, strip_right: true }),
);

const preTokenizer: fc.Arbitrary<SlowComponent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('Metaspace'),
      replacement: fc.constantFrom('▁', '▁', '_'),
      prepend_scheme: fc.constantFrom('always', 'first', 'never'),
      split: fc.boolean(),
    }),
  },
  fc.record({
    type: fc.constant('Split'),
    pattern: fc.constantFrom(' ', '▁', 't', "'").map((searched) => ({ String: searched })),
    behavior: fc.constantFrom(...BEHAVIORS),
    invert: fc.boolean(),
  }),
  fc.record({ type: fc.constant('Digits'), individual_digits: fc.boolean() }),
  fc.constant({ type: 'WhitespaceSplit' }),
);

const decoder: fc.Arbitrary<SlowComponent> = fc.oneof(
  fc.constant({ type: 'Fuse' }),
  fc.constant({ type: 'ByteFallback' }),
  fc.record({
    type: fc.constant('Replace'),
    pattern: fc.constantFrom('▁', 'th', ' ').map((searched) => ({ String: searched })),
    content: fc.constantFrom(' ', '', 'x'),
  }),
  fc.record({
    type: fc.constant('Metaspace'),
    replacement: fc.constantFrom('▁', '_'),
    prepend_scheme: fc.constantFrom('always', 'first', 'never'),
    split: fc.boolean(),
  }),
  fc.record({ type: fc.constant('Strip'), content: fc.constantFrom(' ', '▁'), start: fc.nat(2), stop: fc.constant(0) }),
);

const flags = fc.record({
  special: fc.boolean(),
  // Which characters make words is a table of the library's own; the recorded files ask for it.
  single_word: fc.constant(false),
  lstrip: fc.boolean(),
  rstrip: fc.boolean(),
});

export const slowFolder: fc.Arbitrary<SlowFolder> = fc
  .record({
    characters: fc.subarray(CHARACTERS, { minLength: 14 }),
    bytes: fc.constantFrom(0, 200, 256),
    pairs: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 40 }),
    whole: fc.array(fc.tuple(fc.constantFrom(...WHOLE), flags), { maxLength: 5 }),
    normalizers: fc.array(normalizer, { maxLength: 2 }),
    preTokenizers: fc.array(preTokenizer, { maxLength: 2 }),
    decoders: fc.array(decoder, { maxLength: 4 }),
    settings: fc.record({ fusesUnknown: fc.boolean(), fallsBack: fc.boolean(), ignoresMerges: fc.boolean() }),
  })
  .map(({ characters, bytes, pairs, whole, normalizers, preTokenizers, decoders, settings }) => {
    const tokens = ['<unk>', ...characters, ...Array.from({ length: bytes }, (_, byte) => byteToken(byte))];
    const merges: [string, string][] = [];
    const pieces = [...characters];
    for (const [a, b] of pairs) {
      const [left = '', right = ''] = [pieces[a % pieces.length], pieces[b % pieces.length]];
      // A pair has one rank, and a spelling one id.
      if (tokens.includes(left + right) || left.length + right.length > 8) continue;
      merges.push([left, right]);
      tokens.push(left + right);
      pieces.push(left + right, left + right);
    }
    const count = tokens.length;
    const added: SlowAdded[] = [];
    for (const [content, options] of whole) {
      if (added.some((token) => token.content === content)) continue;
      const known = tokens.indexOf(content);
      added.push({ id: known === -1 ? tokens.push(content) - 1 : known, content, ...options });
    }
    const vocab = Object.fromEntries(tokens.slice(0, count).map((token, id) => [token, id]));
    const { fusesUnknown, fallsBack, ignoresMerges } = settings;
    const json = {
      version: '1.0',
      added_tokens: added.map((token) => ({ ...token, normalized: false })),
      normalizer: { type: 'Sequence', normalizers },
      pre_tokenizer: { type: 'Sequence', pretokenizers: preTokenizers },
      decoder: decoders.length === 0 ? null : { type: 'Sequence', decoders },
      model: {
        type: 'BPE',
        unk_token: '<unk>',
        fuse_unk: fusesUnknown,
        byte_fallback: fallsBack,
        ignore_merges: ignoresMerges,
        vocab,
        merges,
      },
    };
    return { json, tokens, modelCount: count, added, normalizers, preTokenizers, decoders, merges, ...settings };
  });
