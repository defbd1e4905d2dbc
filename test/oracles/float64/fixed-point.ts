// Real numbers to about 57 decimal places, as integers counting 2^-256: what the float64 formulas are held against.
// Written from series and Newton steps; no Math function is in here.

/** A real number times 2^256. */
export type Fixed = bigint;

const BITS = 256n;
export const ONE: Fixed = 1n << BITS;

/** Exact for every finite double above 2^-203; smaller ones are cut off. */
export function fixed(value: number): Fixed {
  let exponent = 0;
  let significand = value;
  while (!Number.isInteger(significand)) {
    significand *= 2;
    exponent += 1;
  }
  return (BigInt(significand) << BITS) >> BigInt(exponent);
}

export function times(a: Fixed, b: Fixed): Fixed {
  return (a * b) >> BITS;
}

export function over(a: Fixed, b: Fixed): Fixed {
  return (a << BITS) / b;
}

export function sum(terms: Iterable<Fixed>): Fixed {
  let total = 0n;
  for (const term of terms) total += term;
  return total;
}

/** Newton's iteration for the integer root of a · 2^256. */
export function root(a: Fixed): Fixed {
  const square = a << BITS;
  let guess = 1n << BigInt(Math.ceil(square.toString(2).length / 2));
  for (;;) {
    const next = (guess + square / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** e^a: the series of a / 2^32, squared 32 times. */
export function exp(a: Fixed): Fixed {
  if (a < 0n) return over(ONE, exp(-a));
  // 64 bits more, for what squaring loses.
  const bits = BITS + 64n;
  const small = a << 32n;
  let [term, total] = [1n << bits, 1n << bits];
  for (let n = 1n; term !== 0n; n += 1n) {
    term = ((term * small) >> bits) / n;
    total += term;
  }
  for (let i = 0; i < 32; i += 1) total = (total * total) >> bits;
  return total >> 64n;
}

/** Newton's iteration for e^y = a, from y = 0; a > 0. */
export function log(a: Fixed): Fixed {
  let y = 0n;
  for (let i = 0; i < 400; i += 1) {
    // Halley's form: converges from anywhere, two units a step at least.
    const power = exp(y);
    const step = (2n * over(a - power, a + power)) as Fixed;
    y += step;
    if (step > -4n && step < 4n) break;
  }
  return y;
}

/** 16·arctan(1/5) − 4·arctan(1/239) (Machin). */
export const PI: Fixed = 16n * arctanInverse(5n) - 4n * arctanInverse(239n);

function arctanInverse(n: bigint): Fixed {
  let [power, total] = [ONE / n, 0n];
  for (let k = 1n; power !== 0n; k += 2n) {
    total += (k % 4n === 1n ? power : -power) / k;
    power /= n * n;
  }
  return total;
}

export function cos(a: Fixed): Fixed {
  return sin(a + PI / 2n);
}

/** The series of what is left of a after whole turns. */
export function sin(a: Fixed): Fixed {
  const turn = 2n * PI;
  let rest = a % turn;
  if (rest > PI) rest -= turn;
  else if (rest < -PI) rest += turn;
  const square = times(rest, rest);
  let [term, total] = [rest, rest];
  for (let n = 2n; term !== 0n && term !== -1n; n += 2n) {
    term = -times(term, square) / (n * (n + 1n));
    total += term;
  }
  return total;
}

/** The nearest double, to a rounding or two. */
export function approximately(a: Fixed): number {
  return Number(a >> (BITS - 128n)) / 2 ** 128;
}

/** |actual − exact| / allowed: at most 1 where the claim holds; NaN where `actual` is no finite number. */
export function excess(actual: number, exact: Fixed, allowed: number): number {
  if (!Number.isFinite(actual)) return Number.NaN;
  const distance = fixed(actual) - exact;
  const absolute = approximately(distance < 0n ? -distance : distance);
  return absolute === 0 ? 0 : absolute / allowed;
}
