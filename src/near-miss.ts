// What was probably meant: the known word that is nearest to one that is not known.

/** At most a third of the letters, and at most two, may differ. */
const MAX_DISTANCE = 2;

/** The candidate that differs by case, separators, plural or a slip of one or two letters; the nearest one. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = isVariant(word, candidate) ? 0 : editDistance(word, candidate);
    const limit = Math.min(MAX_DISTANCE, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** True for `qa_gates`, `QAGate` and `qa-gate` against `qa_gate`. */
function isVariant(a: string, b: string): boolean {
  const forms = wordForms(b);
  return wordForms(a).some((form) => forms.includes(form));
}

function wordForms(word: string): string[] {
  const letters = word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  // Both endings, because `harnesses` loses "es" and `gates` loses "s".
  return [letters, letters.replace(/es$/, ''), letters.replace(/s$/, '')].filter((form) => form !== '');
}

/** Insertions, deletions, replacements and swaps of neighbours; above the limit the count may be too small. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_DISTANCE) return Number.POSITIVE_INFINITY;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforePrevious[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? Number.POSITIVE_INFINITY;
}
