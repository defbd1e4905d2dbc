// How numbers are written for people: one spelling per kind of number, so that columns of them can be compared by eye.
// JSON output does not come through here; it carries the numbers themselves.

/** A difference, an error, a statistic: three digits, `0` only for an exact 0. */
export function smallText(value: number | null): string {
  if (value === null) return '—';
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? trimZeros(value.toPrecision(4)) : value.toExponential(2);
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A float32 so that it reads back as the same float32: nine digits at most. */
export function float32Text(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return String(value);
  const short = [6, 7, 8].map((digits) => Number(value.toPrecision(digits))).find((n) => Math.fround(n) === value);
  return String(short ?? Number(value.toPrecision(9)));
}

/** A number out of a file's metadata or config: short where it is a float32, exact where it is not. */
export function fileNumberText(value: number): string {
  return Math.fround(value) === value ? float32Text(value) : String(value);
}

/** A `1` would read as the limit itself, which nothing healthy reaches. */
export function rhoText(rho: number): string {
  const text = smallText(rho);
  return text === '1' && rho < 1 ? '<1' : text;
}

/** Eight decimals; a bare `1` only where every bit is equal, so that a tiny distance never reads as none. */
export function cosineText(cosine: number | null, isIdentical = false): string {
  if (cosine === null) return '—';
  if (isIdentical) return '1';
  const text = cosine.toFixed(8);
  return text === '1.00000000' ? '>0.99999999' : text;
}

/** `1,234,567`, of a whole number. Not by toLocaleString, whose first call takes as long as starting a program. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `98.4 MiB`; below a KiB, `512 B`. */
export function bytesText(byteLength: number): string {
  if (byteLength < 1024) return `${byteLength} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = byteLength / 1024;
  while (value >= 1024 && units.length > 1) {
    value /= 1024;
    units.shift();
  }
  return `${value.toFixed(1)} ${units[0] ?? ''}`;
}

/** `1 tensor`, `2 tensors`. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}
