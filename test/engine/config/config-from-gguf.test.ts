import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../src/engine/architectures/registry.ts';
import { ggufEntry } from '../../fixtures/gguf.ts';
import type { GgufEntry } from '../../../src/engine/formats/gguf.ts';
import { configFromGguf } from '../../../src/engine/config/config-from-gguf.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { tinyImage, type TinyModelOptions } from '../../fixtures/tiny-model.ts';

/** The config of a tiny model with keys replaced (value) or dropped (undefined), and tensors added or dropped. */
function configOf(
  options: TinyModelOptions & {
    keys?: Record<string, [Parameters<typeof ggufEntry>[1], GgufEntry['value']] | undefined>;
    extraTensors?: { name: string; elementCount: number }[];
    without?: string[];
  } = {},
) {
  const { keys = {}, extraTensors = [], without = [], ...tiny } = options;
  const entries = Object.fromEntries(
    Object.entries(keys).map(([key, typed]) => [key, typed === undefined ? undefined : ggufEntry(key, ...typed)]),
  );
  const image = tinyImage({ ...tiny, entries });
  const tensors = image.tensors.map(({ name, shape }) => ({ name, elementCount: shape.reduce((a, b) => a * b, 1) }));
  return configFromGguf(
    {
      path: 'm.gguf',
      metadata: new Map(image.entries.map(({ key, value }) => [key, value])),
      tensors: [...tensors.filter(({ name }) => !without.includes(name)), ...extraTensors],
    },
    ARCHITECTURES,
  );
}

const codes = ({ notices }: ReturnType<typeof configOf>): string[] => notices.map(({ code }) => code);

type Keys = NonNullable<NonNullable<Parameters<typeof configOf>[0]>['keys']>;
const YARN: Keys = {
  'llama.rope.scaling.type': ['string', 'yarn'],
  'llama.rope.scaling.factor': ['f32', 8],
  'llama.rope.scaling.original_context_length': ['u32', 16],
};
const LONGROPE: Keys = {
  'llama.rope.scaling.type': ['string', 'longrope'],
  'llama.rope.scaling.original_context_length': ['u32', 16],
  'llama.rope.scaling.attn_factor': ['f32', 1.25],
};
const LONGROPE_TENSORS = ['long', 'short'].map((length) => ({
  name: `rope_factors_${length}.weight`,
  elementCount: 4,
}));

describe('configFromGguf', () => {
  it('reads a llama file and says where each number came from', () => {
    const { config, notices } = configOf({ headDim: 12, ffnDim: 80 });
    expect(config).toMatchObject({
      architecture: 'llama',
      layerCount: 2,
      modelDim: 32,
      ffnDim: 80,
      headCount: 4,
      kvHeadCount: 2,
      headDim: 12,
      vocabSize: 288,
      contextLength: 64,
      rmsNormEps: 1e-5,
      rope: { theta: 10_000, rotaryDim: 12, pairing: 'norm', scaling: { type: 'none' } },
      slidingWindow: null,
      hasQkvBias: false,
      isTied: false,
    });
    expect(notices).toEqual([]);
    const keys = [
      'architecture layerCount modelDim ffnDim headCount kvHeadCount headDim vocabSize contextLength rmsNormEps',
      'rope.theta rope.rotaryDim rope.pairing rope.scaling localTheta slidingWindow fullAttentionLayers hasQkvBias isTied',
      'attentionScale attentionSoftcap logitSoftcap embeddingScale normOffset hasQkNorm',
      'experts.count experts.usedCount experts.ffnDim experts.isRenormalised',
    ].flatMap((line) => line.split(' '));
    expect(Object.keys(config.provenance).toSorted()).toEqual(keys.toSorted());
    expect(config.provenance.headDim).toEqual({ source: 'metadata', detail: 'llama.attention.key_length' });
    expect(config.provenance.vocabSize).toEqual({ source: 'tensor', detail: 'rows of token_embd.weight' });
  });

  it('knows what is different about qwen2', () => {
    const { config } = configOf({ architecture: 'qwen2', isTied: true });
    expect(config).toMatchObject({ hasQkvBias: true, isTied: true, headDim: 8, rope: { pairing: 'neox' } });
    expect(config.provenance.headDim.source).toBe('architecture');
  });

  it('takes biases of a llama file from its tensors', () => {
    const extraTensors = [{ name: 'blk.0.attn_q.bias', elementCount: 32 }];
    expect(configOf({ extraTensors }).config.hasQkvBias).toBe(true);
  });

  it('prints every default that it takes', () => {
    const read = configOf({ keys: { 'llama.attention.head_count_kv': undefined, 'llama.rope.freq_base': undefined } });
    expect(read.config.kvHeadCount).toBe(4);
    expect(read.config.rope.theta).toBe(10_000);
    expect(codes(read)).toEqual(['KV-HEADS-DEFAULT', 'ROPE-THETA-DEFAULT']);
    expect(read.config.provenance['rope.theta'].source).toBe('default');
    expect(read.notices[0]?.message).toContain('llama.attention.head_count_kv is absent; kvHeadCount = 4 is taken');
  });

  it('scales positions as llama.cpp does', () => {
    const scaling = (keys: Parameters<typeof configOf>[0] & object) => configOf(keys).config.rope.scaling;
    expect(scaling({ keys: { 'llama.rope.scaling.factor': ['f32', 4] } })).toEqual({ type: 'linear', factor: 4 });
    expect(scaling({ keys: { 'llama.rope.scale_linear': ['f32', 2] } })).toEqual({ type: 'linear', factor: 2 });
    expect(scaling({ keys: { 'llama.rope.scaling.factor': ['f32', 0] } })).toEqual({ type: 'none' });
    expect(scaling({ keys: { 'llama.rope.scaling.factor': ['f32', 1] } })).toEqual({ type: 'none' });
    const none = { 'llama.rope.scaling.type': ['string', 'none'], 'llama.rope.scaling.factor': ['f32', 4] } as const;
    expect(scaling({ keys: { ...none } as never })).toEqual({ type: 'none' });
    expect(scaling({ extraTensors: [{ name: 'rope_freqs.weight', elementCount: 4 }] })).toEqual({
      type: 'factors',
      weight: 'rope_freqs.weight',
    });
  });

  it('reads yarn as llama.cpp does', () => {
    const read = configOf({ keys: YARN });
    expect(read.config.rope.scaling).toEqual({
      type: 'yarn',
      factor: 8,
      betaFast: 32,
      betaSlow: 1,
      isTruncated: true,
      originalContextLength: 16,
      attentionFactor: 1 + 0.1 * Math.log(8),
    });
    expect(read.config.contextLength).toBe(128);
    expect(read.config.provenance['rope.scaling']).toEqual({ source: 'metadata', detail: 'llama.rope.scaling.type' });
    expect(read.notices).toEqual([]);
    const attention = { ...YARN, 'llama.rope.scaling.attn_factor': ['f32', 1.5] } as const;
    const scaled = { attentionFactor: 1.5 * (1 + 0.1 * Math.log(8)) };
    expect(configOf({ keys: { ...attention } as never }).config.rope.scaling).toMatchObject(scaled);
    const unstated = configOf({ keys: { ...YARN, 'llama.rope.scaling.original_context_length': undefined } });
    expect(unstated.config.rope.scaling).toMatchObject({ originalContextLength: 64 });
    expect(codes(unstated)).toEqual(['ROPE-CONTEXT-DEFAULT']);
  });

  it('reads longrope from its two tensors, and says that it goes by the length of a session', () => {
    const read = configOf({ keys: LONGROPE, extraTensors: LONGROPE_TENSORS });
    expect(read.config.rope.scaling).toEqual({
      type: 'longrope',
      short: 'rope_factors_short.weight',
      long: 'rope_factors_long.weight',
      originalContextLength: 16,
      attentionFactor: 1.25,
    });
    expect(codes(read)).toEqual(['ROPE-BY-LENGTH']);
    expect(read.config.provenance['rope.scaling'].source).toBe('tensor');
  });

  it('keeps a sliding window and says that llama.cpp does not', () => {
    const read = configOf({ keys: { 'llama.attention.sliding_window': ['u32', 16] } });
    expect(read.config.slidingWindow).toBe(16);
    expect(codes(read)).toEqual(['SLIDING-WINDOW']);
    expect(configOf({ keys: { 'llama.attention.sliding_window': ['u32', 0] } }).config.slidingWindow).toBeNull();
  });

  it('takes a value per layer where all layers agree', () => {
    expect(configOf({ keys: { 'llama.attention.head_count_kv': ['u32[]', [2, 2]] } }).config.kvHeadCount).toBe(2);
  });

  it('notes keys of the architecture that it does not know', () => {
    const read = configOf({ keys: { 'llama.brand_new': ['u32', 1], 'llama.rope.scaling.finetuned': ['bool', true] } });
    expect(codes(read)).toEqual(['CONFIG-UNREAD-KEY']);
    expect(read.notices[0]?.message).toBe('Not known and not read: "llama.brand_new".');
  });
});

describe('configFromGguf refuses', () => {
  it('an architecture that is not supported, naming those that are', async () => {
    const error = await refusal('E_CONFIG_ARCHITECTURE', () =>
      configOf({ keys: { 'general.architecture': ['string', 'gpt2'] } }),
    );
    expect(error.message).toBe(
      'm.gguf: the architecture is "gpt2"; llama, qwen2, qwen3, qwen3moe, gemma2, gemma3, phi3 are supported.',
    );
    for (const name of ['', 'toString', '__proto__', 'LLAMA']) {
      await refusal('E_CONFIG_ARCHITECTURE', () => configOf({ keys: { 'general.architecture': ['string', name] } }));
    }
    await refusal('E_CONFIG_ARCHITECTURE', () => configOf({ keys: { 'general.architecture': undefined } }));
    await refusal('E_CONFIG_ARCHITECTURE', () => configOf({ keys: { 'general.architecture': ['u32', 1] } }));
  });

  it.each([
    'block_count',
    'context_length',
    'embedding_length',
    'feed_forward_length',
    'attention.head_count',
    'attention.layer_norm_rms_epsilon',
  ])('a file without %s', async (key) => {
    const error = await refusal('E_CONFIG_MISSING_KEY', () => configOf({ keys: { [`llama.${key}`]: undefined } }));
    expect(error.message).toContain(`llama.${key}`);
  });

  it.each([
    ['attention.layer_norm_rms_epsilon', 'f32', Number.NaN],
    ['attention.layer_norm_rms_epsilon', 'f32', 0],
    ['attention.layer_norm_rms_epsilon', 'f32', -1e-5],
    ['attention.layer_norm_rms_epsilon', 'string', '1e-5'],
    ['rope.freq_base', 'f32', Number.NaN],
    ['rope.freq_base', 'f32', Number.POSITIVE_INFINITY],
    ['rope.freq_base', 'f32', 0],
    ['rope.scaling.factor', 'f32', -1],
    ['rope.scaling.factor', 'f32', Number.NaN],
    ['block_count', 'u32', 0],
    ['block_count', 'f32', 1.5],
    ['block_count', 'u32', 1_000_000],
    ['embedding_length', 'u64', 2n ** 63n],
    ['embedding_length', 'i32', -32],
    ['feed_forward_length', 'string', 'wide'],
    ['attention.head_count', 'bool', true],
    ['attention.key_length', 'u32', 0],
    ['context_length', 'u64', 2n ** 40n],
    ['vocab_size', 'u32', 0],
    ['attention.sliding_window', 'i32', -1],
    ['rope.dimension_count', 'u32', 64],
  ] as const)('%s as %s %s', async (key, type, value) => {
    await refusal('E_CONFIG_VALUE', () => configOf({ keys: { [`llama.${key}`]: [type, value] } }));
  });

  it('a vocab_size other than the rows of the embedding is passed over with a warning, as llama.cpp does', () => {
    const { config, notices } = configOf({ keys: { 'llama.vocab_size': ['u32', 3] } });
    expect(config.vocabSize).not.toBe(3);
    expect(notices.map(({ code }) => code)).toContain('CONFIG-STATED-TWICE');
  });

  it.each(['adapter', 'imatrix', 'mmproj'])('a file that goes with a model: %s', async (type) => {
    const { message } = await refusal('E_CONFIG_ARCHITECTURE', () =>
      configOf({ keys: { 'general.type': ['string', type], 'llama.block_count': undefined } }),
    );
    expect(message).toContain(`general.type is "${type}"`);
  });

  it('heads that do not divide', async () => {
    await refusal('E_CONFIG_HEADS', () => configOf({ keys: { 'llama.attention.head_count_kv': ['u32', 3] } }));
    await refusal('E_CONFIG_HEADS', () => configOf({ keys: { 'llama.attention.head_count': ['u32', 6] } }));
    await refusal('E_CONFIG_HEADS', () => configOf({ keys: { 'llama.attention.value_length': ['u32', 4] } }));
  });

  it('layers that differ', async () => {
    await refusal('E_CONFIG_PER_LAYER', () =>
      configOf({ keys: { 'llama.attention.head_count_kv': ['u32[]', [2, 4]] } }),
    );
    await refusal('E_CONFIG_PER_LAYER', () => configOf({ keys: { 'llama.feed_forward_length': ['u32[]', [96]] } }));
  });

  it('a rotation of an odd number of channels, or of a part of a llama head', async () => {
    await refusal('E_CONFIG_ROPE', () => configOf({ keys: { 'llama.rope.dimension_count': ['u32', 7] } }));
    await refusal('E_CONFIG_ROPE', () => configOf({ keys: { 'llama.rope.dimension_count': ['u32', 4] } }));
    const qwen2 = configOf({ architecture: 'qwen2', keys: { 'qwen2.rope.dimension_count': ['u32', 4] } });
    expect(qwen2.config.rope.rotaryDim).toBe(4);
  });

  it.each([
    ['rope.scaling.type', 'string', 'dynamic'],
    ['rope.scaling.type', 'string', 'longrope'],
    ['rope.scaling.type', 'u32', 1],
    ['expert_count', 'u32', 8],
    ['attention.clamp_kqv', 'f32', 8],
    ['attention.causal', 'bool', false],
    ['logit_scale', 'f32', 16],
    ['rope.scaling.attn_factor', 'f32', 0.5],
    ['rope.scaling.yarn_beta_fast', 'f32', 8],
    ['rope.scaling.yarn_beta_slow', 'f32', 2],
    ['rope.scaling.yarn_ext_factor', 'f32', 0.5],
    ['rope.scaling.yarn_attn_factor', 'f32', 2],
    ['rope.scaling.yarn_log_multiplier', 'f32', 0.1],
  ] as const)('%s = %s %s, which would change the result', async (key, type, value) => {
    await refusal('E_CONFIG_UNSUPPORTED', () => configOf({ keys: { [`llama.${key}`]: [type, value] } }));
  });

  it('yarn over a context that the fastest pair does not turn in, or beside factors', async () => {
    const key = 'llama.rope.scaling.original_context_length';
    await refusal('E_CONFIG_UNSUPPORTED', () => configOf({ keys: { ...YARN, [key]: ['u32', 6] } }));
    const keys = { ...YARN, 'llama.rope.scaling.factor': undefined };
    const extraTensors = [{ name: 'rope_freqs.weight', elementCount: 4 }];
    await refusal('E_CONFIG_UNSUPPORTED', () => configOf({ keys, extraTensors }));
  });

  it('longrope without both tensors, with a factor besides, or in an architecture that llama.cpp has without', async () => {
    const [long = { name: '', elementCount: 0 }] = LONGROPE_TENSORS;
    await refusal('E_CONFIG_UNSUPPORTED', () => configOf({ keys: LONGROPE, extraTensors: [long] }));
    const twice: Keys = { ...LONGROPE, 'llama.rope.scaling.factor': ['f32', 4] };
    await refusal('E_CONFIG_UNSUPPORTED', () => configOf({ keys: twice, extraTensors: LONGROPE_TENSORS }));
    const keys: Keys = { 'qwen2.rope.scaling.type': ['string', 'longrope'] };
    await refusal('E_CONFIG_UNSUPPORTED', () =>
      configOf({ architecture: 'qwen2', keys, extraTensors: LONGROPE_TENSORS }),
    );
  });

  it('positions that are scaled twice', async () => {
    await refusal('E_CONFIG_UNSUPPORTED', () =>
      configOf({
        keys: { 'llama.rope.scaling.factor': ['f32', 4] },
        extraTensors: [{ name: 'rope_freqs.weight', elementCount: 4 }],
      }),
    );
  });

  it('factors of a rotation in an architecture that llama.cpp has without', async () => {
    const extraTensors = [{ name: 'rope_freqs.weight', elementCount: 4 }];
    const { message } = await refusal('E_CONFIG_UNSUPPORTED', () => configOf({ architecture: 'qwen2', extraTensors }));
    expect(message).toContain('rope_freqs.weight');
  });

  it('an embedding that is not there or does not divide into rows', async () => {
    await refusal('E_MODEL_TENSOR_MISSING', () => configOf({ without: ['token_embd.weight'] }));
    await refusal('E_CONFIG_VOCABULARY', () =>
      configOf({ without: ['token_embd.weight'], extraTensors: [{ name: 'token_embd.weight', elementCount: 33 }] }),
    );
  });
});
