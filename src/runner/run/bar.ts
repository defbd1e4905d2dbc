// One measured number against a claim's bar. Every comparison of the harness goes through `isWithin`, so that NaN is
// outside every bar in every place.
import type { Bar } from '../falsifier.ts';

/** False for NaN, whatever the comparator. */
export function isWithin(bar: Bar, value: number): boolean {
  switch (bar.comparator) {
    case '<=':
      return value <= bar.threshold;
    case '<':
      return value < bar.threshold;
    case '>=':
      return value >= bar.threshold;
    case '>':
      return value > bar.threshold;
    case '==':
      return value === bar.threshold;
  }
}

/** True when `value` is the worse of two measurements: nearer to the wrong side of the bar, or beyond it. */
export function isWorse(bar: Bar, value: number, than: number): boolean {
  if (Number.isNaN(than)) return false;
  if (Number.isNaN(value)) return true;
  switch (bar.comparator) {
    case '<=':
    case '<':
      return value > than;
    case '>=':
    case '>':
      return value < than;
    case '==':
      return Math.abs(value - bar.threshold) > Math.abs(than - bar.threshold);
  }
}

/** Shortest decimal that reads back as the same double; JSON would lose NaN, infinities and the sign of zero. */
export function formatNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

export function parseNumber(text: string): number {
  return text === 'NaN' ? Number.NaN : Number(text);
}

/** `max_ulp <= 4 ulp` */
export function formatBar(bar: Bar): string {
  const unit = bar.unit === '' ? '' : ` ${bar.unit}`;
  return `${bar.metric} ${bar.comparator} ${formatNumber(bar.threshold)}${unit}`;
}
