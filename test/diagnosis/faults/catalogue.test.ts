// The fault catalogue as a whole: every fault can be told from the others, says what it is, and has a small variant
// that is another change than the gross one. That a fault is really seen, the falsifiers that plant it show.
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../../src/diagnosis/faults/catalogue.ts';
import { BUG_CLASSES, plantFrom } from '../../../src/diagnosis/faults/fault.ts';

/** What a fault changes: a part of the model as it is opened, or the kind of source file. */
function targetOf({ inject }: { inject: (typeof FAULTS)[number]['gross']['inject'] }): string {
  if (inject.kind === 'model') return Object.keys(inject.transform).toSorted().join('+');
  if (inject.file.endsWith('.as.ts')) return 'kernel';
  return inject.file.startsWith('src/engine/cpu/') ? 'executor' : inject.file;
}

describe('the fault catalogue', () => {
  it('has at least thirty faults, each under an id of its own', () => {
    expect(FAULTS.length).toBeGreaterThanOrEqual(30);
    expect(new Set(FAULTS.map(({ id }) => id)).size).toBe(FAULTS.length);
  });

  it('reaches program, config, weights, tokens, the executor with its cache, and kernels', () => {
    const targets = FAULTS.flatMap(({ gross, small }) => [targetOf(gross), targetOf(small)]);
    for (const target of ['program', 'config', 'weights', 'tokens', 'executor', 'kernel']) {
      expect(targets).toContain(target);
    }
    expect(FAULTS.filter(({ bugClass }) => bugClass === 'KV_CACHE_FAILURE').length).toBeGreaterThanOrEqual(3);
  });

  it.each(FAULTS)('$id names its class and plants two different changes', ({ id, bugClass, gross, small }) => {
    expect(BUG_CLASSES).toContain(bugClass);
    expect(small.inject).not.toEqual(gross.inject);
    expect(plantFrom(FAULTS, id, 'gross')).toMatchObject({ id, size: 'gross' });
    expect(plantFrom(FAULTS, id, 'small')).toMatchObject({ id: `${id}-small`, size: 'small' });
  });

  it('refuses an id that it does not have', () => {
    expect(() => plantFrom(FAULTS, 'Z99', 'gross')).toThrow('Z99');
  });
});
