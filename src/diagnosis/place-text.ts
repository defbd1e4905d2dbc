// How messages and reports name a place.
/** Where an op is, for a sentence: layer, op, and its value where that has another name. */
export function placeText({ layer, op, value }: { layer: number | null; op: string; value: string }): string {
  const name = value.replace(/^layer-\d+\//, '');
  return `at ${layer === null ? 'the whole model' : `layer ${layer}`} \`${op}\`${name === op ? '' : ` (${name})`}`;
}
