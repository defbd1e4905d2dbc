// How a byte-level BPE vocabulary wants its text cut into words before merging, by the name in `tokenizer.ggml.pre`.
// A table of other people's facts: the names and expressions are llama.cpp's, and test/engine/text compares the
// resulting ids with llama.cpp's own. Not here: SentencePiece, which cuts nothing.

export interface PreTokenizer {
  /** Applied one after another, each to the pieces that the one before left; matches and gaps both stay pieces. */
  expressions: readonly string[];
  /** A word that is itself a token is that token, whatever the merges say. */
  ignoresMerges?: boolean;
  /** The default of `tokenizer.ggml.add_bos_token` for this kind. */
  wantsBos?: boolean;
}

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
const CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const SYMBOLS = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*';

const gpt2: PreTokenizer = { expressions: [GPT2] };
/** Every digit on its own; `\p{N}`, so those of all scripts. */
const digits: PreTokenizer = { expressions: ['\\p{N}', GPT2] };
const llama3Words = `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${SYMBOLS}|${SPACES}`;
const llama3: PreTokenizer = { expressions: [llama3Words], ignoresMerges: true, wantsBos: true };
const llama3Merging: PreTokenizer = { expressions: [llama3Words] };
const qwen2: PreTokenizer = {
  expressions: [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${SYMBOLS}|${SPACES}`],
};
const qwen35: PreTokenizer = {
  expressions: [
    `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`,
  ],
};
const falcon: PreTokenizer = { expressions: ['[\\p{P}\\$\\+<=>\\^~\\|`]+', GPT2, '[0-9][0-9][0-9]'] };
const tekken: PreTokenizer = {
  expressions: [
    '[^\\r\\n\\p{L}\\p{N}]?((?=[\\p{L}])([^a-z]))*((?=[\\p{L}])([^A-Z]))+' +
      '|[^\\r\\n\\p{L}\\p{N}]?((?=[\\p{L}])([^a-z]))+((?=[\\p{L}])([^A-Z]))*' +
      `|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`,
  ],
  ignoresMerges: true,
  wantsBos: true,
};

/** What llama.cpp does where a file names no pre-tokenizer. */
export const DEFAULT_PRE = 'default';

// A Map, because the name comes from a file and `constructor` must not be found.
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map<string, PreTokenizer>(
  Object.entries({
    [DEFAULT_PRE]: { expressions: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2, '\\p{N}+', '[0-9][0-9][0-9]'] },
    'gpt-2': gpt2,
    gpt2,
    'phi-2': gpt2,
    mpt: gpt2,
    olmo: gpt2,
    jais: gpt2,
    trillion: gpt2,
    exaone4: gpt2,
    smollm: digits,
    starcoder: digits,
    refact: digits,
    'command-r': digits,
    codeshell: digits,
    exaone: digits,
    'minerva-7b': digits,
    'llama-bpe': llama3,
    llama3,
    'llama-v3': llama3,
    falcon3: llama3,
    'falcon-h1': llama3,
    pixtral: llama3,
    lfm2: llama3,
    dbrx: llama3Merging,
    'smaug-bpe': llama3Merging,
    glm4: llama3Merging,
    'chatglm-bpe': llama3Merging,
    qwen2,
    'deepseek-r1-qwen': qwen2,
    megrez: qwen2,
    stablelm2: qwen2,
    hunyuan: qwen2,
    qwen35,
    falcon,
    tekken,
  }),
);
