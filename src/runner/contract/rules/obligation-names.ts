// What obligations are called. The original's have no id, and its harnesses call them by type and place: `SM-INV-002`
// is the second invariant of the file.
import type { Obligation } from '../model.ts';

/** Finds obligations by id or handle, by property, and those without id by their place in the file or among their type. */
export function obligationNames(obligations: readonly Obligation[]): (name: string) => readonly Obligation[] {
  const byName = new Map<string, Obligation[]>();
  const countByType = new Map<string, number>();
  obligations.forEach((obligation, index) => {
    const { id, handle, property, type } = obligation;
    const ofType = (countByType.get(type) ?? 0) + 1;
    countByType.set(type, ofType);
    const places = id === undefined ? [`${index + 1}`, `${type}-${index + 1}`, `${type}-${ofType}`] : [];
    for (const name of new Set([handle, property.trim(), ...places])) {
      const found = byName.get(name);
      if (found === undefined) byName.set(name, [obligation]);
      else found.push(obligation);
    }
  });
  const types = [...countByType.keys()];
  return (name) => {
    const text = name.trim();
    const [, abbreviation, digits] = /^(?:[A-Z0-9-]{1,40}-([A-Z]{2,8})-)?([0-9]{1,6})$/.exec(text) ?? [];
    if (text === '' || digits === undefined) return byName.get(text) ?? [];
    const place = String(Number(digits));
    if (abbreviation === undefined) return byName.get(text) ?? byName.get(place) ?? [];
    const meant = types.filter((type) => isAbbreviation(abbreviation, type)).map((type) => `${type}-${place}`);
    return byName.get(text) ?? meant.flatMap((key) => byName.get(key) ?? []);
  };
}

/** `BND` of bound: the first letter, and others of the word in its order. */
function isAbbreviation(short: string, word: string): boolean {
  let at = -1;
  for (const letter of short.toLowerCase()) {
    const next = word.indexOf(letter, at + 1);
    if (next === -1 || (at === -1 && next !== 0)) return false;
    at = next;
  }
  return true;
}
