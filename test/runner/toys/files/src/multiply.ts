export function multiply(a: number, b: number): number {
  return a * b;
}
