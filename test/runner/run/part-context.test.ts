// What a falsifier's measurements become on the way into a report.
import { describe, expect, it } from 'vitest';
import { PartStopped, RecordingContext } from '../../../src/runner/run/part-context.ts';
import type { PartRequest } from '../../../src/runner/run/protocol.ts';

function contextAt(root: string, changes: Partial<PartRequest> = {}): RecordingContext {
  const request: PartRequest = {
    type: 'part',
    address: { module: `${root}/falsifiers/x-v1.ts`, claim: 'X-1' },
    part: 'live',
    executor: 'cpu',
    seed: 1,
    bar: { metric: 'difference', comparator: '<=', threshold: 1, unit: '', basis: '' },
    root,
    folder: `${root}-scratch/part-a1`,
    stopAtFirst: false,
    replays: [],
    replayOnly: false,
    ...changes,
  };
  return new RecordingContext(request, 2, null, () => {});
}

describe('the record of a part', () => {
  it('is the same wherever the project and its scratch folder lie', () => {
    const reports = ['/home/a/refute', '/srv/b'].map((root) => {
      const context = contextAt(root);
      context.measure(0.5, `run ${root}/models/m.gguf --out ${root}-scratch/part-a1/out`);
      return [context.report.worst, context.outputsDigest()];
    });
    expect(reports[0]).toEqual(reports[1]);
    expect(reports[0]?.[0]).toEqual({ value: 0.5, where: 'run models/m.gguf --out <folder>/out' });
  });

  it('keeps the worst case and the first that is beyond the bar', () => {
    const context = contextAt('/r');
    for (const [i, value] of [0.5, 2, 7, 0].entries()) context.measure(value, `case ${i}`);
    expect(context.report).toMatchObject({
      executed: 4,
      worst: { value: 7, where: 'case 2' },
      failure: { value: 2, where: 'case 1' },
    });
  });

  it('takes NaN for beyond the bar and for worse than any number', () => {
    const context = contextAt('/r');
    context.measure(Number.NaN, 'a');
    context.measure(9, 'b');
    expect(context.report.failure).toMatchObject({ where: 'a' });
    expect(context.report.worst?.value).toBeNaN();
  });

  it('ends at the first case beyond the bar where a fault only has to be seen', () => {
    const context = contextAt('/r', { stopAtFirst: true });
    context.measure(1, 'within');
    expect(() => context.measure(1.1, 'beyond')).toThrow(PartStopped);
  });
});
