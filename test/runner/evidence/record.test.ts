// What a receipt says was read, when a new run meets the receipt of an old one.
import { describe, expect, it } from 'vitest';
import { touchedInputs } from '../../../src/runner/evidence/record.ts';
import type { TouchedInputs } from '../../../src/runner/run/protocol.ts';
import type { PartResult } from '../../../src/runner/run/part-result.ts';

const NOTHING: TouchedInputs = { data: [], models: [], programs: [], packages: [], oracles: [] };

/** Only what was touched is looked at. */
function runTouching(touched: Partial<TouchedInputs>): { parts: PartResult[] } {
  return { parts: [{ report: { touched: { ...NOTHING, ...touched } } } as PartResult] };
}

describe('the touched inputs of a receipt', () => {
  it('name an oracle once, whatever the order of its keys in the receipt that was read back', () => {
    const fresh = { name: 'llama.cpp', version: '1', digest: 'd' };
    const readBack = { digest: 'd', name: 'llama.cpp', version: '1' };
    const { oracles } = touchedInputs(runTouching({ oracles: [fresh] }), {
      touched: { ...NOTHING, oracles: [readBack] },
    });
    expect(oracles).toEqual([fresh]);
  });

  it('keep two digests of one oracle apart', () => {
    const [a, b] = ['a', 'b'].map((digest) => ({ name: 'transformers', version: '5', digest })) as [never, never];
    expect(touchedInputs(runTouching({ oracles: [b, a] }), null).oracles).toEqual([a, b]);
  });

  it('are those of all parts and of the kept ones, sorted', () => {
    const run = runTouching({ data: ['b', 'a'] });
    expect(touchedInputs(run, { touched: { ...NOTHING, data: ['c', 'a'] } }).data).toEqual(['a', 'b', 'c']);
  });
});
