// What the components of a tokenizer.json do, in the slowest form: lists of characters, tried one after another. Written
// from their definitions; nothing here has seen the product's code.

export interface SlowComponent {
  type: string;
  [key: string]: unknown;
}

export interface SlowAdded {
  id: number;
  content: string;
  special: boolean;
  lstrip: boolean;
  rstrip: boolean;
}

export interface SlowFolder {
  json: object;
  /** By id, whole tokens last. */
  tokens: readonly string[];
  /** Tokens of the model; whole tokens that it does not have come after them. */
  modelCount: number;
  added: readonly SlowAdded[];
  normalizers: readonly SlowComponent[];
  preTokenizers: readonly SlowComponent[];
  decoders: readonly SlowComponent[];
  merges: readonly (readonly [string, string])[];
  fusesUnknown: boolean;
  fallsBack: boolean;
  ignoresMerges: boolean;
}

interface Word {
  text: string;
  /** How many characters at its start stand for the first character of the whole text. */
  first: number;
}

const isSpace = (character: string | undefined): boolean =>
  character !== undefined && /^\p{White_Space}$/u.test(character);

export function slowEncode(folder: SlowFolder, text: string, parseSpecial: boolean): number[] {
  const ids: number[] = [];
  let pending: string[] = [];
  let start = 0;
  const characters = Array.from(text);
  const flush = (): void => {
    if (pending.length > 0) ids.push(...encodeStretch(folder, pending.join(''), start === 0));
    pending = [];
  };
  for (let at = 0; at < characters.length;) {
    const token = longestAt(folder.added, characters, at);
    const length = token === null ? 1 : Array.from(token.content).length;
    const stands = token !== null && (parseSpecial || !token.special);
    if (!stands) {
      pending.push(...characters.slice(at, at + length));
      at += length;
      continue;
    }
    if (token.lstrip) while (isSpace(pending.at(-1))) pending.pop();
    flush();
    ids.push(token.id);
    at += length;
    if (token.rstrip) while (isSpace(characters[at])) at += 1;
    start = at;
  }
  flush();
  return ids;
}

function longestAt(added: readonly SlowAdded[], characters: readonly string[], at: number): SlowAdded | null {
  const rest = characters.slice(at).join('');
  const found = added.filter(({ content }) => rest.startsWith(content));
  return found.toSorted((a, b) => b.content.length - a.content.length)[0] ?? null;
}

function encodeStretch(folder: SlowFolder, stretch: string, isFirst: boolean): number[] {
  let characters = Array.from(stretch);
  let first = isFirst ? 1 : 0;
  for (const part of folder.normalizers) {
    if (part.type === 'Prepend' && characters.length > 0) {
      const before = Array.from(String(part['prepend']));
      characters.unshift(...before);
      if (first > 0) first += before.length;
    }
    if (part.type === 'Replace') {
      const replace = (list: string[]): string[] =>
        list.flatMap((character) => (character === ' ' ? Array.from(String(part['content'])) : [character]));
      first = replace(characters.slice(0, first)).length;
      characters = replace(characters);
    }
    if (part.type === 'Strip') {
      while (isSpace(characters[0])) {
        characters.shift();
        first = Math.max(0, first - 1);
      }
      while (isSpace(characters.at(-1))) characters.pop();
    }
  }
  let words: Word[] = characters.length === 0 ? [] : [{ text: characters.join(''), first }];
  for (const part of folder.preTokenizers) words = words.flatMap((word) => cutWord(part, word));
  return words.flatMap(({ text: word }) => mergeWord(folder, word));
}

function cutWord(part: SlowComponent, word: Word): Word[] {
  switch (part.type) {
    case 'Metaspace': {
      const mark = String(part['replacement']);
      let text = word.text.split(' ').join(mark);
      const scheme = part['prepend_scheme'];
      let { first } = word;
      if ((scheme === 'always' || (scheme === 'first' && word.first > 0)) && !text.startsWith(mark)) {
        text = mark + text;
        if (first > 0) first += 1;
      }
      if (part['split'] === false) return [{ text, first }];
      return wordsOf(
        cutAt(Array.from(text), (c) => c === mark, 'MergedWithNext'),
        word,
      );
    }
    case 'Split': {
      const { String: searched } = part['pattern'] as { String: string };
      const isMatch = (c: string): boolean => (c === searched) !== part['invert'];
      // Without invert every match stands alone; with it, what lies between matches is one.
      const together = part['invert'] === true;
      return wordsOf(cutAt(Array.from(word.text), isMatch, String(part['behavior']), together), word);
    }
    case 'Digits':
      return wordsOf(
        cutAt(
          Array.from(word.text),
          (c) => /^\p{N}$/u.test(c),
          part['individual_digits'] === true ? 'Isolated' : 'Contiguous',
        ),
        word,
      );
    case 'WhitespaceSplit':
      return wordsOf(cutAt(Array.from(word.text), isSpace, 'Removed'), word);
    default:
      throw new Error(part.type);
  }
}

/** `start` counts characters. */
function wordsOf(pieces: readonly { text: string; start: number }[], word: Word): Word[] {
  return pieces
    .filter(({ text }) => text !== '')
    .map(({ text, start }) => ({ text, first: Math.max(0, word.first - start) }));
}

function cutAt(
  characters: readonly string[],
  isMatch: (character: string) => boolean,
  behavior: string,
  matchesTogether = false,
): { text: string; start: number }[] {
  const runs: { text: string; start: number; isMatch: boolean }[] = [];
  for (const [start, character] of characters.entries()) {
    const last = runs.at(-1);
    const matches = isMatch(character);
    const joins = last !== undefined && last.isMatch === matches && matches === matchesTogether;
    if (joins) last.text += character;
    else runs.push({ text: character, start, isMatch: matches });
  }
  const pieces: { text: string; start: number; isMatch: boolean }[] = [];
  if (behavior === 'MergedWithNext') {
    for (const run of runs.toReversed()) {
      const next = pieces[0];
      const follows = runs[runs.indexOf(run) + 1];
      if (next !== undefined && run.isMatch && follows?.isMatch === false) {
        pieces[0] = { text: run.text + next.text, start: run.start, isMatch: true };
      } else pieces.unshift({ ...run });
    }
    return pieces;
  }
  for (const [i, run] of runs.entries()) {
    const last = pieces.at(-1);
    const before = runs[i - 1];
    if (behavior === 'Removed' && run.isMatch) continue;
    const joins =
      (behavior === 'MergedWithPrevious' && run.isMatch && before?.isMatch === false) ||
      (behavior === 'Contiguous' && before?.isMatch === run.isMatch);
    if (last !== undefined && joins) last.text += run.text;
    else pieces.push({ ...run });
  }
  return pieces;
}

function mergeWord(folder: SlowFolder, word: string): number[] {
  const model = folder.tokens.slice(0, folder.modelCount);
  const idOf = (token: string): number => model.indexOf(token);
  const known = (token: string): boolean => model.includes(token);
  if (folder.ignoresMerges && known(word)) return [idOf(word)];
  let pieces: string[] = [];
  let unknown = 0;
  const settle = (): void => {
    for (let i = 0; i < (folder.fusesUnknown ? Math.min(unknown, 1) : unknown); i += 1) pieces.push('<unk>');
    unknown = 0;
  };
  for (const character of word) {
    const bytes = Array.from(new TextEncoder().encode(character), byteToken);
    if (known(character)) {
      settle();
      pieces.push(character);
    } else if (folder.fallsBack && bytes.every(known)) {
      // An unknown character before bytes comes after them, all but the last of several that are not fused.
      const waiting = unknown > 0 ? 1 : 0;
      if (!folder.fusesUnknown) for (let i = 1; i < unknown; i += 1) pieces.push('<unk>');
      unknown = waiting;
      pieces.push(...bytes);
    } else unknown += 1;
  }
  settle();
  for (;;) {
    const at = folder.merges.findIndex(([left, right]) =>
      pieces.some((piece, i) => piece === left && pieces[i + 1] === right),
    );
    const merge = folder.merges[at];
    if (merge === undefined) return pieces.map(idOf);
    const place = pieces.findIndex((piece, i) => piece === merge[0] && pieces[i + 1] === merge[1]);
    pieces = [...pieces.slice(0, place), merge.join(''), ...pieces.slice(place + 2)];
  }
}

export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).padStart(2, '0').toUpperCase()}>`;
}

export function slowDecode(folder: SlowFolder, ids: readonly number[], keepSpecial: boolean): string {
  const hidden = new Set(folder.added.filter(({ special }) => special && !keepSpecial).map(({ content }) => content));
  let tokens = ids.map((id) => folder.tokens[id] ?? '').filter((token) => !hidden.has(token));
  if (folder.decoders.length === 0) return tokens.join(' ');
  for (const part of folder.decoders) tokens = decodeAll(part, tokens);
  return tokens.join('');
}

function decodeAll(part: SlowComponent, tokens: readonly string[]): string[] {
  switch (part.type) {
    case 'Fuse':
      return [tokens.join('')];
    case 'Replace': {
      const { String: searched } = part['pattern'] as { String: string };
      return tokens.map((token) => token.split(searched).join(String(part['content'])));
    }
    case 'Metaspace': {
      const drops = part['prepend_scheme'] !== 'never';
      return tokens.map((token, i) => token.split(String(part['replacement'])).join(drops && i === 0 ? '' : ' '));
    }
    case 'Strip':
      return tokens.map((token) => {
        const characters = Array.from(token);
        for (let left = Number(part['start']); left > 0 && characters[0] === part['content']; left -= 1)
          characters.shift();
        return characters.join('');
      });
    case 'ByteFallback':
      return joinBytes(tokens);
    default:
      throw new Error(part.type);
  }
}

function joinBytes(tokens: readonly string[]): string[] {
  const made: string[] = [];
  for (let at = 0; at < tokens.length;) {
    let end = at;
    while (end < tokens.length && /^<0x[0-9A-F]{2}>$/.test(tokens[end] ?? '')) end += 1;
    if (end === at) {
      made.push(tokens[at] ?? '');
      at += 1;
      continue;
    }
    const run = tokens.slice(at, end);
    const text = Buffer.from(run.map((token) => Number.parseInt(token.slice(3, 5), 16))).toString('utf8');
    const isWhole = Buffer.from(text, 'utf8').equals(
      Buffer.from(run.map((token) => Number.parseInt(token.slice(3, 5), 16))),
    );
    made.push(...(isWhole ? [text] : run.map(() => '\ufffd')));
    at = end;
  }
  return made;
}
