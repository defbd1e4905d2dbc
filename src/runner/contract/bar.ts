// One measured number against a claim's bar. Every comparison of the harness goes through `isWithin`, so that NaN is
// outside every bar, and so is the largest or smallest of no case.
export type Comparator = '<=' | '<' | '>=' | '>' | '==';

export interface Bar {
  metric: string;
  comparator: Comparator;
  threshold: number;
  unit: string;
  basis: string;
}

/** False for NaN, and for the largest or smallest of no case, whatever the comparator. */
export function isWithin(bar: Bar, value: number): boolean {
  if (isOfNothing(bar, value)) return false;
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

/** What Math.max() and Math.min() answer without arguments: a perfect value that nobody measured. */
function isOfNothing({ comparator }: Bar, value: number): boolean {
  return value === (comparator.startsWith('>') ? Infinity : -Infinity);
}

/** True when `value` is the worse of two measurements: nearer to the wrong side of the bar, or beyond it. */
export function isWorse(bar: Bar, value: number, than: number): boolean {
  if (Number.isNaN(than) || isOfNothing(bar, than)) return false;
  if (Number.isNaN(value) || isOfNothing(bar, value)) return true;
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
