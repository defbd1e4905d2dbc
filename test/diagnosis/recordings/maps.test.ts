// The built-in maps against what they speak of: Transformers' own tensor names, dumps that scripts/record_dump.py wrote
// (test/fixtures/dumps), and names as other engines give them. A new architecture has its modules named here, or fails.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { checkDump } from '../../../src/diagnosis/index.ts';
import { roundedFloats } from '../../../src/diagnosis/recordings/floats.ts';
import { nameReport, namesOfProgram, openRecording, readMaps } from '../../../src/diagnosis/recordings/index.ts';
import { builtInMaps } from '../../../src/diagnosis/recordings/read-map.ts';
import { ARCHITECTURES } from '../../../src/engine/architectures/registry.ts';
import { openModel, parseStageId, stageId, type Model, type Program } from '../../../src/engine/index.ts';
import { safetensorsDump } from '../../fixtures/recording-files.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const root = fileURLToPath(new URL('../../../', import.meta.url));
const models: Model[] = [];
afterAll(() => Promise.all(models.map((model) => model.close())));

async function open(path: string): Promise<Model> {
  const model = await openModel(`${root}models/tiny/${path}`);
  models.push(model);
  return model;
}

function mapped(map: string, name: string, program: Program): string[] | null {
  const found = builtInMaps([map], 'test')?.find(name, namesOfProgram(program));
  return found?.keys.map((key) => stageId(key)) ?? null;
}

/** What the module that holds these weights puts out: the last value on the way that has weights of it. */
function outputOf(program: Program, weights: readonly string[]): string {
  const ops = program.ops.filter((candidate) => 'weight' in candidate && weights.includes(candidate.weight));
  // The head may be the embedding again.
  return (ops[0]?.op === 'embed' ? ops[0] : ops.at(-1))?.out ?? '';
}

describe.each([...ARCHITECTURES.keys()])('the map of Transformers, %s', (architecture) => {
  it('has every module with weights, as the value that it computes', async () => {
    const { program, tensors } = await open(`${architecture}/hf`);
    const modules = new Map<string, string[]>();
    for (const { name, storedName = name } of tensors) {
      if (/\.experts\./.test(storedName)) continue;
      const path = storedName.replace(/\.(weight|bias)$/, '');
      modules.set(path, [...(modules.get(path) ?? []), name]);
    }
    expect(modules.size).toBeGreaterThan(10);
    for (const [path, weights] of modules) {
      const of = mapped('hf', path, program) ?? [];
      const values = of.flatMap((id) => {
        const source = program.stages.find((stage) => stageId(stage) === id)?.source;
        return source?.from === 'concat' ? source.values : [id];
      });
      const output = outputOf(program, weights);
      // Scaled by the module in one version and after it in another.
      expect(values, path).toEqual(output.endsWith('/token_embedding') ? [] : expect.arrayContaining([output]));
    }
  });

  it('lacks only what a module of Transformers computes together with something else', async () => {
    const { program } = await open(`${architecture}/hf`);
    const map = builtInMaps(['hf'], 'test');
    const names = namesOfProgram(program);
    const unnamed = program.ops.map(({ out }) => parseStageId(out) ?? { name: out, layer: null });
    const words = new Set(unnamed.filter((key) => map?.nameOf(key, names) === null).map(({ name }) => name));
    const fused = names.names.has('q_bias') ? ['q_matmul', 'k_matmul', 'v_matmul'] : [];
    const scaled = names.names.has('token_embedding') ? ['token_embedding'] : [];
    expect([...words].toSorted()).toEqual([...fused, ...scaled].toSorted());
  });
});

describe('a dump of Transformers', () => {
  it.each([
    ['mistral', 'hf', []],
    ['mistral', 'model.gguf', []],
    ['qwen2', 'hf', ['q_matmul', 'k_matmul', 'v_matmul']],
    ['qwen3moe', 'hf', []],
    ['gemma2', 'hf', ['token_embedding']],
    ['gemma3-multimodal', 'hf', ['token_embedding']],
    ['phi3', 'hf', []],
    ['phi3', 'model.gguf', []],
  ])('of %s says all by itself, and is judged whole by %s', async (name, file, fused) => {
    const { program, weights } = await open(`${name}/${file}`);
    const dump = await openRecording(`${root}test/fixtures/dumps/${name}.safetensors`, null, namesOfProgram(program));
    const { unknown, absent } = nameReport(dump, program);
    expect(unknown).toEqual([]);
    expect(new Set(absent.map(({ value }) => parseStageId(value)?.name))).toEqual(new Set(fused));
    const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
    const { coverage, results } = await checkDump({ dump, program, weights, tokens: dump.tokens ?? [], ...none });
    expect(coverage.missing).toEqual([]);
    expect(results.filter(({ status, op }) => status !== 'healthy' && op !== 'gelu')).toEqual([]);
  });

  it('is of other rows than a llama file where nobody says so', async () => {
    const { program, weights } = await open('mistral/model.gguf');
    const path = `${root}test/fixtures/dumps/mistral.safetensors`;
    const dump = { ...(await openRecording(path, null, namesOfProgram(program))), rotaryRows: null };
    const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
    const { at } = await checkDump({ dump, program, weights, tokens: dump.tokens ?? [], ...none });
    expect(at?.value).toBe('layer-0/q_matmul');
  });
});

describe('a dump with the fused modules of vLLM', () => {
  /** Made of one of Transformers: what vLLM computes in one module lies side by side, a norm gives its sum as well. */
  async function fused(name: string): Promise<Map<string, { shape: number[]; data: Float32Array }>> {
    const dump = await openRecording(`${root}test/fixtures/dumps/${name}.safetensors`);
    const read = async (id: string): Promise<Float32Array> => roundedFloats((await dump.read(id)).data);
    const rows = dump.tokens?.length ?? 0;
    const out = new Map<string, { shape: number[]; data: Float32Array }>();
    const put = async (theirs: string, ...ids: string[]): Promise<void> => {
      const parts = await Promise.all(ids.map(read));
      const row = (i: number): number[] =>
        parts.flatMap((part) => [...part].slice((i * part.length) / rows, ((i + 1) * part.length) / rows));
      const data = Float32Array.from(Array.from({ length: rows }, (_, i) => row(i)).flat());
      out.set(theirs, { shape: [rows, data.length / rows], data });
    };
    await put('model.embed_tokens', 'layer-0/embedding');
    for (const layer of [0, 1]) {
      const [of, at] = [`layer-${layer}`, `model.layers.${layer}`];
      await put(`${at}.input_layernorm${layer === 0 ? '' : '.0'}`, `${of}/attn_norm`);
      if (layer > 0) await put(`${at}.input_layernorm.1`, `layer-${layer - 1}/post_ffn_residual`);
      await put(`${at}.self_attn.qkv_proj.0`, ...['q', 'k', 'v'].map((part) => `${of}/${part}_matmul`));
      await put(`${at}.self_attn.rotary_emb.0`, `${of}/q_post_rope`);
      await put(`${at}.self_attn.rotary_emb.1`, `${of}/k_post_rope`);
      await put(`${at}.self_attn.attn`, `${of}/attention`);
      await put(`${at}.self_attn.o_proj.0`, `${of}/attn_out`);
      await put(`${at}.post_attention_layernorm.0`, `${of}/ffn_norm`);
      await put(`${at}.post_attention_layernorm.1`, `${of}/post_attn_residual`);
      await put(`${at}.mlp.gate_up_proj.0`, `${of}/ffn_gate`, `${of}/ffn_up`);
      await put(`${at}.mlp.act_fn`, `${of}/ffn_swigl`);
      await put(`${at}.mlp.down_proj.0`, `${of}/ffn_out`);
    }
    await put('model.norm.0', 'final_norm');
    await put('model.norm.1', 'layer-1/post_ffn_residual');
    await put('logits_processor', 'lm_head');
    return out;
  }

  it.each([
    ['mistral', 'hf'],
    ['mistral', 'model.gguf'],
    ['qwen2', 'hf'],
  ])('of %s is judged whole by %s, and a fault in it is found', async (name, file) => {
    const { program, weights } = await open(`${name}/${file}`);
    const stages = await fused(name);
    const judge = async (): ReturnType<typeof checkDump> => {
      await writeFile(join(folder, 'vllm'), safetensorsDump(stages));
      const map = await readMaps(['vllm']);
      const dump = await openRecording(join(folder, 'vllm'), map, namesOfProgram(program));
      expect(dump.otherNames).toEqual([]);
      const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
      return checkDump({ dump, program, weights, tokens: [3, 17, 42, 79, 5], ...none });
    };
    const { results, brackets, coverage } = await judge();
    expect(coverage.missing).toEqual([]);
    expect([...results, ...brackets].filter(({ status }) => status !== 'healthy')).toEqual([]);
    // The last channel of up.
    const gateUp = stages.get('model.layers.1.mlp.gate_up_proj.0');
    if (gateUp !== undefined) gateUp.data[gateUp.data.length - 1] = 1;
    expect(await judge()).toMatchObject({ verdict: 'BUG', at: { value: 'layer-1/ffn_up' } });
  });
});

describe('names of other engines', () => {
  const HF = 'model.layers.3';
  const VLLM = 'model.layers.1';
  it.each([
    // Without a head, in a larger model, compiled, and as hooks write them.
    ['hf', 'mistral', 'layers.1.mlp', ['layer-1/ffn_out']],
    ['hf', 'mistral', 'model.language_model.layers.1.self_attn.q_proj', ['layer-1/q_matmul']],
    ['hf', 'mistral', '_orig_mod.model.layers.1.mlp.act_fn.output', ['layer-1/ffn_silu']],
    ['hf', 'mistral', 'model.layers.1.self_attn.o_proj.out.0', ['layer-1/attn_out']],
    // A name goes by the model.
    ['hf', 'qwen2', `${HF}.self_attn.q_proj`, ['layer-3/q_bias']],
    ['hf', 'gemma2', `${HF}.post_attention_layernorm`, ['layer-3/attn_post_norm']],
    ['hf', 'mistral', `${HF}.post_attention_layernorm`, ['layer-3/ffn_norm']],
    ['hf', 'gemma2', `${HF}.post_attention_layernorm.input`, ['layer-3/attn_out']],
    ['hf', 'mistral', `${HF}.post_attention_layernorm.input`, ['layer-3/post_attn_residual']],
    ['hf', 'gemma2', 'lm_head', ['lm_head_uncapped']],
    ['hf', 'gemma2', 'logits', ['lm_head']],
    ['hf', 'qwen3moe', `${HF}.mlp`, ['layer-3/moe_ffn_out']],
    // Fused.
    ['hf', 'mistral', `${HF}.mlp.gate_up_proj`, ['layer-3/ffn_gate', 'layer-3/ffn_up']],
    ['hf', 'qwen2', `${HF}.self_attn.qkv_proj`, ['layer-3/qkv_bias']],
    // Not a stage, and not what its name begins with.
    ['hf', 'mistral', 'model.rotary_emb', []],
    ['hf', 'mistral', 'model.layers.1.0', null],
    ['hf', 'mistral', 'model.layers.1.mlp.0', null],
    ['vllm', 'qwen2', `${VLLM}.self_attn.qkv_proj.0`, ['layer-1/qkv_bias']],
    ['vllm', 'mistral', `${VLLM}.input_layernorm`, ['layer-1/attn_norm']],
    ['vllm', 'mistral', `${VLLM}.input_layernorm.1`, ['layer-0/post_ffn_residual']],
    ['vllm', 'mistral', 'model.layers.0.input_layernorm.1', null],
    ['vllm', 'mistral', 'model.norm.1', ['layer-1/post_ffn_residual']],
    ['vllm', 'mistral', `${VLLM}.self_attn.rotary_emb.1`, ['layer-1/k_post_rope']],
    ['vllm', 'gemma2', `${VLLM}.pre_feedforward_layernorm.1`, ['layer-1/post_attn_residual']],
    ['vllm', 'mistral', `${VLLM}.mlp.act_fn`, ['layer-1/ffn_swigl']],
    ['llama.cpp', 'qwen2', 'Qcur-1_MUL_MAT', ['layer-1/q_matmul']],
    ['llama.cpp', 'qwen2', 'Qcur-1.ADD', ['layer-1/q_bias']],
    ['llama.cpp', 'qwen2', 'Qcur-1 (ROPE)', ['layer-1/q_post_rope']],
    ['llama.cpp', 'qwen2', 'Qcur-1', ['layer-1/q_post_rope']],
    ['llama.cpp', 'qwen2', 'Qcur-1_RESHAPE', []],
    ['llama.cpp', 'qwen2', 'Qcur-1_SCALE', null],
    ['llama.cpp', 'qwen2', 'norm-1_RMS_NORM', []],
    ['llama.cpp', 'qwen2', 'ffn_swiglu-1 (GLU)', ['layer-1/ffn_swigl']],
    ['llama.cpp', 'gemma2', 'embd_GET_ROWS', ['layer-0/token_embedding']],
    ['llama.cpp', 'gemma2', 'inp_scaled', ['layer-0/embedding']],
    ['llama.cpp', 'qwen2', 'embd', ['layer-0/embedding']],
    ['llama.cpp', 'qwen2', 'node_31', null],
    ['llama.cpp', 'phi3', 'ffn_up-1', ['layer-1/ffn_gate', 'layer-1/ffn_up']],
    ['llama.cpp', 'phi3', 'Qcur-1', []],
    ['llama.cpp', 'phi3', 'Qcur-1_ROPE', ['layer-1/q_post_rope']],
    ['llama.cpp', 'phi3', 'wqkv-1', ['layer-1/qkv_matmul']],
  ])('%s, %s: %s', async (map, architecture, name, ids) => {
    const { program } = await open(`${architecture}/hf`);
    expect(mapped(map, name, program)).toEqual(ids);
  });

  it.each(['hf', 'vllm', 'llama.cpp'])('%s finds every name under which it looks for a value', async (map) => {
    for (const architecture of ARCHITECTURES.keys()) {
      const { program } = await open(`${architecture}/hf`);
      const names = namesOfProgram(program);
      const built = builtInMaps([map], 'test');
      for (const { out } of program.ops) {
        const key = parseStageId(out);
        const theirs = key === null ? null : built?.nameOf(key, names);
        if (typeof theirs === 'string')
          expect(mapped(map, theirs, program), `${architecture} ${theirs}`).toContain(out);
      }
    }
  });
});
