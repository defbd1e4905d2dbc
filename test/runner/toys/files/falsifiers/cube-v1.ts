import fc from 'fast-check';
import { cube } from '../src/cube.ts';
import type { Falsifier } from '../../../../../src/runner/run/falsifier.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-CU-001': {
    parts: {
      generated: { planned: 20, run: (context) => context.search(fc.nat(100), 20, (x) => cube(x) - x ** 3) },
      live: {
        planned: 1,
        async run(context) {
          context.measure(cube(2) - 8, 'x = 2');
        },
      },
    },
    faults: [
      {
        id: 'square-instead',
        title: 'one factor is missing',
        size: 'gross',
        inject: { kind: 'source', file: 'src/cube.ts', find: 'x * x * x', replace: 'x * x' },
      },
    ],
  },
};
