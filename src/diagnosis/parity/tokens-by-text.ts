// From a token's text, as a server spells it, to its id: decoded text or the vocabulary's own spelling. Where several
// ids share a text (parts of characters all decode to U+FFFD) there is no answer.
import type { TextModel } from '../../engine/text/text-model.ts';

export function tokensByText(text: TextModel): (spelled: string) => number | null {
  const decoded = new Map<string, number | null>();
  const spelled = new Map<string, number | null>();
  const before = inWords(text);
  for (let id = 0; id < text.vocabSize; id += 1) {
    const stream = text.openStream(before);
    note(decoded, stream.push(id) + stream.end(), id);
    note(spelled, text.tokenText(id), id);
  }
  return (wanted) => decoded.get(wanted) ?? spelled.get(wanted) ?? null;
}

/** Ids after which a space at the start of a token is kept. */
function inWords(text: TextModel): number[] {
  return text.encode('a', { parseSpecial: false, addBos: false });
}

function note(ids: Map<string, number | null>, text: string, id: number): void {
  if (text === '') return;
  ids.set(text, ids.has(text) ? null : id);
}
