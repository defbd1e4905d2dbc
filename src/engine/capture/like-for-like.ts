// May two captures be compared? Statistics over all tokens against statistics over the last one cost the original tool
// its worst ten days; here such a pair is refused with the reason.
import type { CaptureManifest } from './manifest.ts';

/** Reasons why not, in words; empty where they may. Models, types and executors may differ: that is what is compared. */
export function likeForLike(a: CaptureManifest, b: CaptureManifest): string[] {
  const reasons: string[] = [];
  if (a.tokens.length !== b.tokens.length) {
    reasons.push(`the prompts have ${a.tokens.length} and ${b.tokens.length} tokens`);
  }
  const first = a.tokens.findIndex((token, i) => i < b.tokens.length && token !== b.tokens[i]);
  if (first !== -1) reasons.push(`token ${first} is ${a.tokens[first]} in one and ${b.tokens[first]} in the other`);
  if (a.positions !== b.positions) {
    reasons.push(`one holds ${describe(a)} and the other ${describe(b)}`);
  }
  return reasons;
}

function describe({ positions, tokens }: CaptureManifest): string {
  return positions === 'all' ? `all ${tokens.length} positions` : `the last position (${tokens.length - 1}) only`;
}
