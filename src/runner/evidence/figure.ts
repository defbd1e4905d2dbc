// The one number that a reader wants of a part, with its bar and its denominator.
import type { PartSection, StablePart } from './receipt.ts';

/** `max_ulp 1.9 <= 4 ulp, 1000 of 1000 cases` */
export function figureOfPart(bar: StablePart['bar'], { worst, executed, planned }: PartSection): string {
  const unit = bar.unit === '' ? '' : ` ${bar.unit}`;
  const measured = worst === null ? `${bar.metric} not measured` : `${bar.metric} ${worst.value}`;
  return `${measured} ${bar.comparator} ${bar.threshold}${unit}, ${executed} of ${planned} cases`;
}
