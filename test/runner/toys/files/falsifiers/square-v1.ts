import fc from 'fast-check';
import { square } from '../src/square.ts';
import type { Falsifier } from '../../../../../src/runner/run/falsifier.ts';

const integers = fc.integer({ min: -1000, max: 1000 });

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SQ-001': {
    parts: {
      generated: {
        planned: 50,
        run: (context) => context.search(integers, context.planned, (x) => Math.abs(square(x) - x * x)),
      },
      live: {
        planned: 2,
        async run(context) {
          context.measure(square(3) - 9, 'x = 3');
          context.measure(square(-2) - 4, 'x = -2');
        },
      },
      oracle: {
        planned: 1,
        async run(context) {
          context.oracle({ name: 'arithmetic', version: '1' });
          context.output(String(square(12)));
          context.measure(square(12) - 144, 'x = 12');
        },
      },
    },
    faults: [
      {
        id: 'plus-one',
        title: 'one too many',
        size: 'gross',
        inject: { kind: 'source', file: 'src/multiply.ts', find: 'a * b', replace: 'a * b + 1' },
      },
      {
        id: 'wrong-at-three',
        title: 'wrong at a single input',
        size: 'small',
        part: 'live',
        inject: {
          kind: 'source',
          file: 'src/square.ts',
          find: 'multiply(x, x)',
          replace: 'x === 3 ? 10 : multiply(x, x)',
        },
      },
    ],
  },
  'FALSIFY-SQ-002': {
    parts: {
      generated: {
        planned: 30,
        run: (context) => context.search(fc.record({ x: fc.nat(500) }), 30, ({ x }) => square(x)),
      },
    },
    faults: [],
  },
};
