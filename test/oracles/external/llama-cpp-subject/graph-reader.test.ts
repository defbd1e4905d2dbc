// A graph is read by its ops and weights: names say nothing, views are looked through, a value is where its form has as
// many numbers as the value.
import { describe, expect, it } from 'vitest';
import { programInGraph, type ProgramInGraph } from '../../../../src/oracles/external/llama-cpp-subject/graph-forms.ts';
import { GraphReader } from '../../../../src/oracles/external/llama-cpp-subject/graph-reader.ts';
import type { Program } from '../../../../src/engine/program/program.ts';

const ROWS = 3;

/** Nodes by name; a source that is no node before is a leaf: a weight, or an input. */
class Graph {
  readonly #reader: GraphReader;
  readonly #addresses = new Map<string, bigint>();
  readonly #names = new Map<bigint, string>();

  constructor(wanted: ProgramInGraph) {
    this.#reader = new GraphReader(wanted, (address) => this.#names.get(address) ?? '');
    this.#reader.begin(ROWS);
  }

  node(
    name: string,
    op: string,
    sources: readonly string[],
    { width = 4, viewOf = '', offset = 0 }: { width?: number; viewOf?: string; offset?: number } = {},
  ): string[] {
    const addresses = sources.map((source) => this.#address(source));
    const view = viewOf === '' ? 0n : this.#address(viewOf);
    const address = this.#address(name);
    const node = { address, op, elementCount: width * ROWS, sources: addresses, viewOf: view, offset };
    return this.#reader.see(node).map(({ value, from }) => (from === 0 ? value : `${value} from ${from}`));
  }

  #address(name: string): bigint {
    const known = this.#addresses.get(name);
    if (known !== undefined) return known;
    const address = BigInt(1000 + this.#addresses.size);
    this.#addresses.set(name, address);
    this.#names.set(address, name);
    return address;
  }
}

const wanted = (parts: Partial<ProgramInGraph>): ProgramInGraph => ({
  forms: [],
  fused: [],
  values: [
    ['x', 4],
    ['q', 4],
    ['k', 2],
    ['v', 2],
    ['out', 4],
    ['chosen', 2],
  ],
  weights: ['embd.weight', 'q.weight', 'k.weight', 'v.weight'],
  ...parts,
});

describe('a node', () => {
  it('is a value by op and operands, inputs left out', () => {
    const graph = new Graph(
      wanted({
        forms: [
          ['GET_ROWS(embd.weight)', 'x'],
          ['MUL_MAT(q.weight,x)', 'q'],
        ],
      }),
    );
    expect(graph.node('a', 'GET_ROWS', ['embd.weight', 'tokens'])).toEqual(['x']);
    expect(graph.node('b', 'MUL_MAT', ['q.weight', 'a'])).toEqual(['q']);
    expect(graph.node('c', 'MUL_MAT', ['k.weight', 'a'])).toEqual([]);
  });

  it('of several ops is one where the last one is', () => {
    const graph = new Graph(
      wanted({
        forms: [
          ['GET_ROWS(embd.weight)', 'x'],
          ['MUL(RMS_NORM(x),q.weight)', 'out'],
        ],
      }),
    );
    graph.node('a', 'GET_ROWS', ['embd.weight', 'tokens']);
    expect(graph.node('b', 'RMS_NORM', ['a'])).toEqual([]);
    expect(graph.node('c', 'RESHAPE', ['b'])).toEqual([]);
    expect(graph.node('d', 'MUL', ['c', 'q.weight'])).toEqual(['out']);
  });

  it('shows a value once, and its views none', () => {
    const graph = new Graph(wanted({ forms: [['GET_ROWS(embd.weight)', 'x']] }));
    expect(graph.node('a', 'GET_ROWS', ['embd.weight', 'tokens'])).toEqual(['x']);
    for (const op of ['RESHAPE', 'VIEW', 'PERMUTE', 'CONT', 'CPY', 'GET_ROWS']) {
      expect(graph.node(op, op, ['a', 'input'])).toEqual([]);
    }
    expect(graph.node('again', 'GET_ROWS', ['embd.weight', 'tokens'])).toEqual([]);
  });

  it('is not the value while it has more numbers than the value', () => {
    const graph = new Graph(
      wanted({
        forms: [
          ['GET_ROWS(embd.weight)', 'x'],
          ['ARGSORT(x)', 'chosen'],
        ],
      }),
    );
    graph.node('a', 'GET_ROWS', ['embd.weight', 'tokens']);
    expect(graph.node('b', 'ARGSORT', ['a'])).toEqual([]);
    expect(graph.node('c', 'VIEW', ['b'], { width: 2, viewOf: 'b' })).toEqual(['chosen']);
  });

  it('reads from the cache what was written into it, in this graph', () => {
    const forms = [
      ['GET_ROWS(embd.weight)', 'x'],
      ['MUL_MAT(x,x)', 'out'],
    ] as const;
    const graph = new Graph(wanted({ forms }));
    graph.node('a', 'GET_ROWS', ['embd.weight', 'tokens']);
    expect(graph.node('early', 'VIEW', ['cache'], { viewOf: 'cache' })).toEqual([]);
    graph.node('write', 'SET_ROWS', ['a', 'ids', 'cache'], { width: 64, viewOf: 'cache' });
    graph.node('read', 'VIEW', ['cache'], { width: 64, viewOf: 'cache' });
    graph.node('turn', 'PERMUTE', ['read'], { width: 64, viewOf: 'cache' });
    expect(graph.node('b', 'MUL_MAT', ['turn', 'a'])).toEqual(['out']);
    expect(graph.node('c', 'MUL_MAT', ['early', 'a'])).toEqual([]);
  });

  it('is several values where their weights are one, and views of it are those', () => {
    const forms = [
      ['GET_ROWS(embd.weight)', 'x'],
      ['ADD(k,x)', 'out'],
    ] as const;
    for (const weight of ['qkv.weight', 'q.weight']) {
      const form = weight === 'q.weight' ? 'MUL_MAT(q.weight,x)' : 'MUL_MAT(x)';
      const graph = new Graph(
        wanted({ forms: [...forms, ['MUL_MAT(q.weight,x)', 'q']], fused: [[form, ['q', 'k', 'v']]] }),
      );
      graph.node('a', 'GET_ROWS', ['embd.weight', 'tokens']);
      expect(graph.node('b', 'MUL_MAT', [weight, 'a'], { width: 8 })).toEqual(['q', 'k from 4', 'v from 6']);
      expect(graph.node('v', 'VIEW', ['b'], { width: 2, viewOf: 'b', offset: 6 })).toEqual([]);
      expect(graph.node('not k', 'ADD', ['v', 'a'])).toEqual([]);
      graph.node('k', 'VIEW', ['b'], { width: 2, viewOf: 'b', offset: 4 });
      expect(graph.node('c', 'ADD', ['k', 'a'])).toEqual(['out']);
    }
  });

  it('of unknown ops does not grow without end', () => {
    const graph = new Graph(wanted({ forms: [['GET_ROWS(embd.weight)', 'x']] }));
    graph.node('0', 'GET_ROWS', ['embd.weight', 'tokens']);
    for (let i = 1; i < 2000; i += 1) expect(graph.node(`${i}`, 'ADD', [`${i - 1}`, `${i - 1}`])).toEqual([]);
  });
});

describe('the forms of a program', () => {
  it('have none for an activation that the product after it computes as well', () => {
    const program: Program = {
      architecture: 'toy',
      layerCount: 1,
      vocabSize: 8,
      contextLength: 8,
      values: ['x', 'gate', 'up', 'act', 'out'].map((id) => ({ id, layer: 0, channelCount: 8 })),
      ops: [
        { op: 'embed', weight: 'embd.weight', out: 'x' },
        { op: 'matmul', in: 'x', weight: 'gate.weight', out: 'gate' },
        { op: 'matmul', in: 'x', weight: 'up.weight', out: 'up' },
        { op: 'silu', in: 'gate', out: 'act' },
        { op: 'mul', a: 'act', b: 'up', out: 'out' },
      ],
      stages: [],
      weights: [],
      logits: 'out',
    };
    const { forms, fused } = programInGraph(program);
    expect(forms.filter(([, value]) => value === 'act')).toEqual([]);
    expect(forms).toContainEqual(['SWIGLU(gate,up)', 'out']);
    expect(forms).toContainEqual(['SWIGLU(MUL_MAT(x))', 'out']);
    expect(fused).toContainEqual(['MUL_MAT(x)', ['gate', 'up']]);
  });
});
