// May two recordings be compared? Statistics over all tokens against statistics over the last one cost the original
// tool its worst ten days; here such a pair is refused with the reason.
import type { ManifestHead } from '../../engine/capture/manifest.ts';
import type { Recording } from '../recordings/recording.ts';

type Window = Pick<Recording, 'path' | 'tokens' | 'positions' | 'tensors' | 'otherNames'> & {
  manifest?: Pick<ManifestHead, 'prompt'> | null;
};

/** Reasons why not, in words; empty where they may. Models, types and executors may differ: that is compared. */
export function likeForLike(a: Window, b: Window): string[] {
  const unnamed = [a, b].filter(({ tensors }) => tensors.size === 0);
  if (unnamed.length > 0) return unnamed.map(namelessText);
  if (a.tokens === null || b.tokens === null) {
    const silent = [a, b].filter(({ tokens }) => tokens === null);
    return silent.map(({ path }) => `${path} does not say which tokens ran (a map can: --map, tokens)`);
  }
  const reasons: string[] = [];
  if (a.tokens.length !== b.tokens.length) {
    reasons.push(`the prompts have ${a.tokens.length} and ${b.tokens.length} tokens`);
  }
  const { tokens } = b;
  const first = a.tokens.findIndex((token, i) => i < tokens.length && token !== tokens[i]);
  if (first !== -1) reasons.push(`token ${first} is ${a.tokens[first]} in one and ${tokens[first]} in the other`);
  const prompt = a.manifest?.prompt ?? null;
  if (reasons.length > 0 && prompt !== null && prompt === b.manifest?.prompt) reasons.push(sameTextReason(prompt));
  if (a.positions !== b.positions) {
    reasons.push(`one holds ${describe(a, a.tokens)} and the other ${describe(b, tokens)}`);
  }
  return reasons;
}

function sameTextReason(prompt: string): string {
  const isComposed = prompt === prompt.normalize('NFC');
  const why = isComposed
    ? ''
    : "; it is not in Unicode's NFC, which a tokenizer.json may compose and no GGUF tokenizer does";
  return `the prompt is the same text: two tokenizers read it otherwise${why}. To compare, give both the same ids: --tokens`;
}

function describe({ positions }: Window, tokens: readonly number[]): string {
  return positions === 'all' ? `all ${tokens.length} positions` : `the last position (${tokens.length - 1}) only`;
}

function namelessText({ path, otherNames }: Window): string {
  const first = otherNames[0] === undefined ? '' : `, ${otherNames[0]} for one`;
  return `nothing in ${path} is named like a stage or value${first} (a map can name them: --map)`;
}
