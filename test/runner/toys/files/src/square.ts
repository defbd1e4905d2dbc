// The product of the toy project.
import { multiply } from './multiply.ts';

export function square(x: number): number {
  return multiply(x, x);
}
