// What a step writes, for runs that are checked: rows of the values that leave it, values in between, splits of attention, positions of
// a cache.
import { cacheBytes } from './bind-op.ts';
import { NOWHERE, partialBytes, type StepSite } from './bind-step.ts';
import type { StepPlace } from './bound-plan.ts';
import { quadsOf } from './buffer-plan.ts';
import type { Region } from './guards.ts';
import { innersOf, outsOf, type Step } from './steps.ts';

/** @param inner null: values in between go nowhere */
export function regionsOf(
  step: Step,
  site: StepSite,
  inner: GPUBuffer | null,
): (place: StepPlace) => readonly Region[] {
  const attention =
    step.kind === 'attend' ? step.attention : step.kind === 'op' && step.op.op === 'attention' ? step.op : null;
  const cache = attention === null ? null : site.cacheOf(attention);
  return ({ firstRow, rowCount, firstPosition }) => {
    const regions = outsOf(step).map((values): Region => {
      const { buffer, at, stride } = site.placed(values[0] ?? '');
      // Narrower than its array where other steps make the rest of it: they come after, to the right.
      const width = values.reduce((sum, value) => sum + quadsOf(site.channelsOf(value)), 0);
      const byteOffset = 16 * (at + firstRow * stride);
      return { value: values.join(', '), buffer, byteOffset, byteLength: 16 * ((rowCount - 1) * stride + width) };
    });
    if (inner !== null) {
      const shown = innersOf(step).filter((value) => site.innerAt(value) !== NOWHERE);
      const ends = shown.map((value) => site.innerAt(value) + quadsOf(site.channelsOf(value)));
      const byteLength = 16 * Math.max(0, ...ends);
      if (byteLength > 0) regions.push({ value: shown.join(', '), buffer: inner, byteOffset: 0, byteLength });
    }
    if (attention !== null && cache !== null) {
      if (step.kind === 'attend') {
        const byteLength = partialBytes(attention, firstPosition);
        regions.push({ value: `splits of ${attention.out}`, buffer: site.partial, byteOffset: 0, byteLength });
      }
      // What is behind is poison from the beginning.
      const byteOffset = cacheBytes(attention, firstPosition);
      const byteLength = cacheBytes(attention, firstRow + rowCount);
      for (const [name, buffer] of Object.entries(cache)) {
        regions.push({
          value: `cached ${name} of layer ${attention.layer}`,
          buffer,
          byteOffset,
          byteLength,
          isKept: true,
        });
      }
    }
    return regions;
  };
}
