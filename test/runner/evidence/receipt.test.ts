// Receipts of a later version of pv, which may say more than this one knows: read, and fresh. What it does know must be
// there and as it was written.
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { parseReceipt, receiptText, sealReceipt, type Receipt } from '../../../src/runner/evidence/receipt.ts';
import { receiptName, ToyProject } from '../toys/toy-project.ts';

const CUBE = receiptName('cube', 'FALSIFY-CU-001');

type Fields = Record<string, unknown>;

describe('a receipt', () => {
  let project: ToyProject;
  let written: Receipt;
  beforeAll(async () => {
    project = new ToyProject();
    await project.pv(['falsify', 'FALSIFY-CU-001']);
    written = parseReceipt(project.read(CUBE), CUBE);
  });
  afterAll(() => project.close());

  /** The receipt with another stable part, in order again. */
  function resealed(change: (stable: Fields) => void): string {
    const predicate = structuredClone(written.predicate);
    change(predicate.stable as unknown as Fields);
    return receiptText(sealReceipt(predicate));
  }

  it('with a field that this version does not know is read whole and fresh', async () => {
    const text = resealed((stable) =>
      Object.assign(stable, { energyJoules: '12', touched: { ...written.predicate.stable.touched, gpus: ['a'] } }),
    );
    expect(receiptText(parseReceipt(text, CUBE))).toBe(text);
    project.write(CUBE, text);
    const { stdout } = await project.pv(['evidence', 'list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ receipts: [{ path: CUBE, isFresh: true }] });
  });

  it.each(['contract', 'environment', 'bar', 'seed', 'repeat', 'parts', 'faults', 'touched'])(
    'without its %s is refused',
    (field) => {
      const text = resealed((stable) => delete stable[field]);
      expect(() => parseReceipt(text, CUBE)).toThrow(/not a receipt/);
    },
  );

  it('with an edited field is refused, as one of another version is', () => {
    const edited = receiptText(written).replace('"repeat": 1', '"repeat": 2');
    expect(() => parseReceipt(edited, CUBE)).toThrow(/edited/);
    const later = resealed((stable) => Object.assign(stable, { schemaVersion: 2 }));
    expect(() => parseReceipt(later, CUBE)).toThrow(/version 2/);
  });
});
