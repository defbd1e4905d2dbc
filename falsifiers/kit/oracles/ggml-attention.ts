// Attention computed by ggml's own ops, in the CPU builds that node-llama-cpp brings, as many of them as this processor runs:
// with flash attention one op, without it two products and a softmax between them, as llama.cpp's graph has them.
import { join } from 'node:path';
import koffi from 'koffi';
import { findPackageBuild, variantLibrary } from '../../../src/oracles/external/llama-cpp-subject/package-build.ts';
import type { AttentionRows, AttentionShape } from '../references/plain-attention.ts';

export type GgmlCache = 'f32' | 'f16' | 'bf16' | 'q8_0';

export interface GgmlAttentionBuild {
  variant: string;
  /** In one thread. */
  attend: (shape: AttentionShape, rows: AttentionRows, how: { cache: GgmlCache; hasFlash: boolean }) => Float32Array;
}

const TYPES: Readonly<Record<GgmlCache, number>> = { f32: 0, f16: 1, q8_0: 8, bf16: 30 };
const CONTEXT_BYTES = 2 ** 26;

type Compute = (context: unknown, graph: unknown, threads: number) => number;

/** @throws Error where the package is not there */
export function ggmlAttentionBuilds(): { version: string; builds: GgmlAttentionBuild[] } {
  const found = findPackageBuild();
  if ('absent' in found) throw new Error(`ggml cannot be called: ${found.absent}`);
  const ggml = graphFunctions(join(found.folder, 'libggml-base.so'));
  const builds = found.variants.flatMap((variant) => {
    const library = koffi.load(variantLibrary(found, variant));
    if ((library.func('int ggml_backend_score()') as () => number)() === 0) return [];
    (library.func('void ggml_cpu_init()') as () => void)();
    const compute = library.func('int ggml_graph_compute_with_ctx(void *, void *, int)') as Compute;
    return [{ variant, attend: attendWith(ggml, compute) }];
  });
  return { version: `${found.release} (node-llama-cpp ${found.packageVersion})`, builds };
}

function attendWith(ggml: GraphFunctions, compute: Compute): GgmlAttentionBuild['attend'] {
  return (shape, rows, { cache, hasFlash }) => {
    const { headCount, kvHeadCount, headDim, rowCount, positionCount, window, scale, softcap } = shape;
    const context = ggml.init({ mem_size: CONTEXT_BYTES, mem_buffer: null, no_alloc: false });
    /** The first dimension is the one whose elements are neighbours. */
    const tensor = (ne: [number, number, number], valueAt: (a: number, b: number, c: number) => number): unknown => {
      const made = ggml.newTensor(context, TYPES.f32, ...ne);
      const values = new Float32Array(koffi.view(ggml.data(made), 4 * ne[0] * ne[1] * ne[2]));
      for (let i = 0; i < values.length; i += 1) {
        values[i] = valueAt(i % ne[0], Math.floor(i / ne[0]) % ne[1], Math.floor(i / (ne[0] * ne[1])));
      }
      return made;
    };
    const stored = (x: unknown): unknown => (cache === 'f32' ? x : ggml.cast(context, x, TYPES[cache]));
    const cached = (of: Float32Array, head: number, j: number, c: number): number =>
      of[(j * kvHeadCount + head) * headDim + c] ?? Number.NaN;
    const q = tensor(
      [headDim, rowCount, headCount],
      (c, row, head) => rows.q[(row * headCount + head) * headDim + c] ?? Number.NaN,
    );
    const k = stored(tensor([headDim, positionCount, kvHeadCount], (c, j, head) => cached(rows.k, head, j, c)));
    const mask = tensor([positionCount, rowCount, 1], (j, row) => {
      const position = positionCount - rowCount + row;
      return j <= position && (window === null || j > position - window) ? 0 : -Infinity;
    });
    let out: unknown;
    if (hasFlash) {
      const v = stored(tensor([headDim, positionCount, kvHeadCount], (c, j, head) => cached(rows.v, head, j, c)));
      out = ggml.flash(context, q, k, v, ggml.cast(context, mask, TYPES.f16), scale, 0, softcap ?? 0);
    } else {
      const v = stored(tensor([positionCount, headDim, kvHeadCount], (j, c, head) => cached(rows.v, head, j, c)));
      const scores = ggml.product(context, k, q);
      const shares =
        softcap === undefined
          ? ggml.softmax(context, scores, mask, scale, 0)
          : ggml.softmax(context, bent(ggml, context, scores, scale, softcap), mask, 1, 0);
      out = ggml.product(context, v, shares);
    }
    const graph = ggml.newGraph(context);
    ggml.expand(graph, out);
    const status = compute(context, graph, 1);
    const written = new Float32Array(koffi.view(ggml.data(out), rows.q.byteLength)).slice();
    ggml.free(context);
    if (status !== 0) throw new Error(`ggml computed nothing: status ${status}`);
    if (hasFlash) return written;
    // Without flash attention the rows of a head are together, not the heads of a row.
    return written.map((_, i) => {
      const [row, head, c] = [Math.floor(i / (headCount * headDim)), Math.floor(i / headDim) % headCount, i % headDim];
      return written[(head * rowCount + row) * headDim + c] ?? Number.NaN;
    });
  };
}

function bent(ggml: GraphFunctions, context: unknown, scores: unknown, scale: number, cap: number): unknown {
  return ggml.scale(context, ggml.tanh(context, ggml.scale(context, scores, scale / cap)), cap);
}

interface GraphFunctions {
  init: (parameters: { mem_size: number; mem_buffer: null; no_alloc: boolean }) => unknown;
  free: (context: unknown) => void;
  newTensor: (context: unknown, type: number, a: number, b: number, c: number) => unknown;
  data: (tensor: unknown) => unknown;
  cast: (context: unknown, tensor: unknown, type: number) => unknown;
  product: (context: unknown, a: unknown, b: unknown) => unknown;
  scale: (context: unknown, tensor: unknown, factor: number) => unknown;
  tanh: (context: unknown, tensor: unknown) => unknown;
  softmax: (context: unknown, scores: unknown, mask: unknown, scale: number, bias: number) => unknown;
  flash: (context: unknown, ...given: [...qkvMask: unknown[], scale: number, bias: number, cap: number]) => unknown;
  newGraph: (context: unknown) => unknown;
  expand: (graph: unknown, tensor: unknown) => void;
}

function graphFunctions(path: string): GraphFunctions {
  // The builds find it among the symbols that are loaded.
  const base = koffi.load(path, { global: true });
  koffi.struct('GgmlInit', { mem_size: 'size_t', mem_buffer: 'void *', no_alloc: 'bool' });
  return {
    init: base.func('void *ggml_init(GgmlInit parameters)'),
    free: base.func('void ggml_free(void *)'),
    newTensor: base.func('void *ggml_new_tensor_3d(void *, int, int64_t, int64_t, int64_t)'),
    data: base.func('void *ggml_get_data(void *)'),
    cast: base.func('void *ggml_cast(void *, void *, int)'),
    product: base.func('void *ggml_mul_mat(void *, void *, void *)'),
    scale: base.func('void *ggml_scale(void *, void *, float)'),
    tanh: base.func('void *ggml_tanh(void *, void *)'),
    softmax: base.func('void *ggml_soft_max_ext(void *, void *, void *, float, float)'),
    flash: base.func('void *ggml_flash_attn_ext(void *, void *, void *, void *, void *, float, float, float)'),
    newGraph: base.func('void *ggml_new_graph(void *)'),
    expand: base.func('void ggml_build_forward_expand(void *, void *)'),
  };
}
