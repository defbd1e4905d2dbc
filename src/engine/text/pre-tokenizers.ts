// How a byte-level BPE vocabulary wants its text cut into words before merging, by the name in `tokenizer.ggml.pre`.
// A table of other people's facts: the names and expressions are llama.cpp's, and test/engine/text compares the
// resulting ids with llama.cpp's own. Not here: SentencePiece, which cuts nothing, and names whose cut llama.cpp has in
// code of its own or cannot be said here with its ids (kimi-k2, afmoe, youtu, tiny_aya, cohere2moe) or which are not over
// bytes (gemma4, sarvam-moe, whitespace): with one of these text is refused.

export interface PreTokenizer {
  /** Applied one after another, each to the pieces that the one before left; matches and gaps both stay pieces. */
  expressions: readonly string[];
  /** A word that is itself a token is that token, whatever the merges say. */
  ignoresMerges?: boolean;
  /** The default of `tokenizer.ggml.add_bos_token` for this kind. */
  wantsBos?: boolean;
  /** What the tokenizer of this family in Transformers does to a text first; llama.cpp does not. */
  normalization?: 'NFC';
  /** `<mask>` takes the white space before it. */
  masksTakeSpace?: boolean;
}

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
const CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const SYMBOLS = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*';
/** One symbol or space may lead letters. */
const LETTERS = '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+';

const gpt2: PreTokenizer = { expressions: [GPT2] };
/** As GPT-NeoX in Transformers. */
const gptNeoX: PreTokenizer = { ...gpt2, normalization: 'NFC' };
/** Every digit on its own; `\p{N}`, so those of all scripts. */
const digits: PreTokenizer = { expressions: ['\\p{N}', GPT2] };

const llama3Words = `${CONTRACTIONS}|${LETTERS}|\\p{N}{1,3}|${SYMBOLS}|${SPACES}`;
const llama3: PreTokenizer = { expressions: [llama3Words], ignoresMerges: true, wantsBos: true };
const llama3Merging: PreTokenizer = { expressions: [llama3Words] };

const qwen2Words = `${CONTRACTIONS}|${LETTERS}|\\p{N}|${SYMBOLS}|${SPACES}`;
/** Qwen2's cut, for a family whose tokenizer is not known to compose. */
const qwen2Cut: PreTokenizer = { expressions: [qwen2Words] };
const qwen2: PreTokenizer = { ...qwen2Cut, normalization: 'NFC' };
const qwen35: PreTokenizer = {
  expressions: [
    `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`,
  ],
  normalization: 'NFC',
};

const falcon: PreTokenizer = { expressions: ['[\\p{P}\\$\\+<=>\\^~\\|`]+', GPT2, '[0-9][0-9][0-9]'] };

/** Words of capitals, then small letters; what is neither counts as both. */
const casedWords = (letters: string, end: string): string => {
  const [upper, lower] = [`((?=[${letters}])([^a-z]))`, `((?=[${letters}])([^A-Z]))`];
  const lead = '[^\\r\\n\\p{L}\\p{N}]?';
  return `${lead}${upper}*${lower}+${end}|${lead}${upper}+${lower}*${end}`;
};
const SYMBOLS_AND_SLASHES = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*';
const tekken: PreTokenizer = {
  expressions: [`${casedWords('\\p{L}', '')}|\\p{N}|${SYMBOLS_AND_SLASHES}|${SPACES}`],
  ignoresMerges: true,
  wantsBos: true,
};
const gpt4oWords = (letters: string): string =>
  `${casedWords(letters, `${CONTRACTIONS}?`)}|\\p{N}{1,3}|${SYMBOLS_AND_SLASHES}|${SPACES}`;
const gpt4o: PreTokenizer = { expressions: [gpt4oWords('\\p{L}')] };

/** Letters with case as DeepSeek's first tokenizer lists them: first and last of each range. */
const CASED_LETTERS = [
  0x41, 0x5a, 0x61, 0x7a, 0xb5, 0xb5, 0xc0, 0xd6, 0xd8, 0xf6, 0xf8, 0x1ba, 0x1bc, 0x1bf, 0x1c4, 0x293, 0x295, 0x2af,
  0x370, 0x373, 0x376, 0x377, 0x37b, 0x37d, 0x37f, 0x37f, 0x386, 0x386, 0x388, 0x38a, 0x38c, 0x38c, 0x38e, 0x3a1, 0x3a3,
  0x3f5, 0x3f7, 0x481, 0x48a, 0x52f, 0x531, 0x556, 0x10a0, 0x10c5, 0x13a0, 0x13f5, 0x13f8, 0x13fd, 0x1c90, 0x1cba,
  0x1cbd, 0x1cbf, 0x1d00, 0x1d2b, 0x1d6b, 0x1d77, 0x1d79, 0x1d9a, 0x1e00, 0x1f15, 0x1f18, 0x1f1d, 0x1f20, 0x1f45,
  0x1f48, 0x1f4d, 0x1f50, 0x1f57, 0x1f59, 0x1f59, 0x1f5b, 0x1f5b, 0x1f5d, 0x1f5d, 0x1f5f, 0x1f7d, 0x1f80, 0x1fb4,
  0x1fb6, 0x1fbc, 0x1fbe, 0x1fbe, 0x1fc2, 0x1fc4, 0x1fc6, 0x1fcc, 0x1fd0, 0x1fd3, 0x1fd6, 0x1fdb, 0x1fe0, 0x1fec,
  0x1ff2, 0x1ff4, 0x1ff6, 0x1ffc, 0x2102, 0x2102, 0x2107, 0x2107, 0x210a, 0x2113, 0x2115, 0x2115, 0x2119, 0x211d,
  0x2124, 0x2124, 0x2126, 0x2126, 0x2128, 0x2128, 0x212a, 0x212d, 0x212f, 0x2134, 0x2139, 0x2139, 0x213c, 0x213f,
  0x2145, 0x2149, 0x214e, 0x214e, 0x2183, 0x2184, 0x2c00, 0x2c7b, 0x2c7e, 0x2ce4, 0x2ceb, 0x2cee, 0x2cf2, 0x2cf3,
  0xa640, 0xa66d, 0xa680, 0xa69b, 0xa722, 0xa76f, 0xa771, 0xa787, 0xa78b, 0xa78e, 0xab70, 0xabbf, 0xfb00, 0xfb06,
  0xfb13, 0xfb17, 0xff21, 0xff3a, 0xff41, 0xff5a, 0x10400, 0x1044f, 0x104b0, 0x104d3, 0x104d8, 0x104fb, 0x10c80,
  0x10cb2, 0x10cc0, 0x10cf2, 0x118a0, 0x118df, 0x1e900, 0x1e943,
];
const CASED = CASED_LETTERS.map((code, i) => `${i % 2 === 0 ? '' : '-'}\\u{${code.toString(16)}}`).join('');
/** llama.cpp sees no white space in a class without properties. */
const EASTERN = '(?:(?!\\s)[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff])+';
const deepseekLlm: PreTokenizer = {
  expressions: [
    '[\\r\\n]',
    `\\s?[${CASED}]+`,
    '\\s?(?:(?!\\s)[!-\\/:-~\\uff01-\\uff0f\\uff1a-\\uff5e\\u2018-\\u201f\\u3000-\\u3002])+',
    '\\s+$',
    EASTERN,
    '\\p{N}+',
  ],
};
const deepseekCoder: PreTokenizer = {
  expressions: ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', EASTERN, '\\p{N}'],
};
const deepseek3Words =
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+';
const deepseek3Before = ['\\p{N}{1,3}', '[\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff]+'];
const deepseek3: PreTokenizer = { expressions: [...deepseek3Before, `${deepseek3Words}[\\r\\n]*|${SPACES}`] };

const bloomWords = ' ?[^(\\s|.,!?…。，、।۔،)]+';
const bloom: PreTokenizer = { expressions: [bloomWords] };

const bailing: PreTokenizer = {
  expressions: [
    `'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|${LETTERS}|\\p{N}|${SYMBOLS}|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`,
  ],
};
/** Runs of spaces in powers of two. */
const jais2Spaces = [512, 256, 128, 64, 32, 16, 8, 4].map((count) => `\\s{${count}}(?!\\S)`).join('|');

/** What llama.cpp does where a file names no pre-tokenizer. */
export const DEFAULT_PRE = 'default';

// A Map, because the name comes from a file and `constructor` must not be found.
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map<string, PreTokenizer>(
  Object.entries({
    [DEFAULT_PRE]: { expressions: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2, '\\p{N}+', '[0-9][0-9][0-9]'] },
    'gpt-2': gpt2,
    gpt2,
    'phi-2': gpt2,
    jais: gpt2,
    trillion: gpt2,
    exaone4: gpt2,
    gigachat: gpt2,
    mellum: gpt2,
    'a.x-4.0': gpt2,
    'modern-bert': gpt2,
    'granite-docling': gpt2,
    'roberta-bpe': gpt2,
    'jina-v1-en': gpt2,
    'jina-es': gpt2,
    'jina-de': gpt2,
    'jina-v2-es': { ...gpt2, masksTakeSpace: true },
    'jina-v2-de': { ...gpt2, masksTakeSpace: true },
    'jina-v2-code': { ...gpt2, masksTakeSpace: true },
    mpt: gptNeoX,
    olmo: gptNeoX,
    smollm: digits,
    starcoder: digits,
    refact: digits,
    'command-r': { ...digits, normalization: 'NFC' },
    codeshell: digits,
    exaone: digits,
    mellum2: digits,
    'minerva-7b': digits,
    'llama-bpe': llama3,
    llama3,
    'llama-v3': llama3,
    falcon3: llama3,
    'falcon-h1': llama3,
    pixtral: llama3,
    lfm2: llama3,
    'midm-2.0': llama3,
    'jina-v5-nano': llama3,
    dbrx: llama3Merging,
    'smaug-bpe': llama3Merging,
    glm4: llama3Merging,
    'chatglm-bpe': llama3Merging,
    minicpm5: {
      expressions: ['\\p{N}{1,3}', `${CONTRACTIONS}|${LETTERS}|\\p{N}+|${SYMBOLS}|${SPACES}`],
      ignoresMerges: true,
    },
    'jais-2': {
      expressions: [
        `${CONTRACTIONS}|${LETTERS}|\\p{N}{1,3}|${SYMBOLS}|\\s*[\\r\\n]+|${jais2Spaces}|\\s{1,2}(?!\\S)|\\s{1}`,
      ],
    },
    qwen2,
    'deepseek-r1-qwen': qwen2Cut,
    megrez: qwen2Cut,
    stablelm2: qwen2Cut,
    hunyuan: qwen2Cut,
    kormo: qwen2Cut,
    f2llmv2: qwen2Cut,
    'grok-2': qwen2Cut,
    'solar-open': qwen2Cut,
    qwen35,
    ufakzeka: { expressions: [`${LETTERS}|\\p{N}|${SYMBOLS}|${SPACES}`] },
    laguna: { expressions: ['[^\\n]+|[\\n]+', qwen2Words] },
    'seed-coder': {
      expressions: [`${CONTRACTIONS}|${LETTERS}|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${SPACES}`],
    },
    'exaone-moe': {
      expressions: [
        `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|` +
          ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+',
      ],
    },
    bailingmoe: bailing,
    bailingmoe2: bailing,
    'llada-moe': bailing,
    falcon,
    tekken,
    'gpt-4o': gpt4o,
    llama4: gpt4o,
    kanana2: gpt4o,
    talkie: gpt4o,
    'minimax-m2': gpt4o,
    'granite-embed-multi-97m': { expressions: [gpt4oWords('\\p{L}\\p{M}')], ignoresMerges: true },
    superbpe: { expressions: ['\\p{N}+', '(?=([0-9]{3})+(?![0-9]))'] },
    'deepseek-llm': deepseekLlm,
    'deepseek-coder': deepseekCoder,
    'deepseek-v3': deepseek3,
    'hunyuan-dense': deepseek3,
    hy_v4: deepseek3,
    'joyai-llm': deepseek3,
    spark2_5: { expressions: [...deepseek3Before, `${deepseek3Words}|[\\r\\n]|\\s+(?!\\S)|\\s+`, '\\p{N}'] },
    bloom,
    'poro-chat': bloom,
    'gpt3-finnish': bloom,
    viking: { expressions: [bloomWords, '\\p{N}'] },
    chameleon: {
      expressions: [
        '<sentinel:[0-9]+>',
        '(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z',
        '([\\t\\n]|    |  )',
        '\\p{N}',
        '[\\p{P}!-\\/:-@\\[-`{-~]',
        GPT2,
      ],
      wantsBos: true,
    },
  }),
);
