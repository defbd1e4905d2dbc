// The post-processor of a tokenizer.json: the special tokens around a text that stands alone.
import type { Part } from './part.ts';
import { checkByteLevel } from './pre-tokenizers.ts';

export interface Frame {
  before: readonly number[];
  after: readonly number[];
}

const NOTHING: Frame = { before: [], after: [] };

/** @throws RefuteError E_TOKENIZER_JSON */
export function readPostProcessor(part: Part): Frame {
  switch (part.type) {
    case 'ByteLevel':
      checkByteLevel(part);
      return NOTHING;
    case 'Sequence': {
      const adding = part
        .parts('processors')
        .map(readPostProcessor)
        .filter(({ before, after }) => before.length + after.length > 0);
      // The library then takes what the first has added for texts of their own.
      if (adding.length > 1) throw part.error('more than one of it adds tokens', 'one at most');
      return adding[0] ?? NOTHING;
    }
    case 'RobertaProcessing':
    case 'BertProcessing':
      return { before: [tokenOf(part, 'cls')], after: [tokenOf(part, 'sep')] };
    case 'TemplateProcessing':
      return template(part);
    default:
      throw part.unknownType();
  }
}

/** `["</s>", 2]` */
function tokenOf(part: Part, key: string): number {
  const value = part.get(key);
  const [token, id] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof token === 'string' && isId(id)) return id;
  throw part.keyError(key, 'a token and its id: ["</s>", 2]');
}

function isId(id: unknown): id is number {
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0;
}

function template(part: Part): Frame {
  const idsOf = readSpecialTokens(part.part('special_tokens'));
  part.parts('pair').forEach(readPiece);
  const [before, after]: [number[], number[]] = [[], []];
  let isBehind = false;
  for (const piece of part.parts('single')) {
    const { text, token } = readPiece(piece);
    if (text === 'B') throw piece.error('the template of a single text holds another one', '"A" alone');
    if (text === 'A' && isBehind) throw piece.error('the template holds its text twice', 'once');
    if (text === 'A') isBehind = true;
    if (token === null) continue;
    const ids = idsOf.get(token);
    if (ids === undefined) throw piece.error(`${JSON.stringify(token).slice(0, 60)} is not among its special_tokens`);
    (isBehind ? after : before).push(...ids);
  }
  if (!isBehind) throw part.error('the template holds no text', 'one Sequence "A"');
  return { before, after };
}

/** `{"Sequence": {"id": "A", "type_id": 0}}`, or the same with `SpecialToken` and its name. */
function readPiece(part: Part): { text: string | null; token: string | null } {
  const isText = !part.isNull('Sequence');
  if (isText === !part.isNull('SpecialToken')) throw part.error('it is not one of Sequence and SpecialToken');
  const inner = part.part(isText ? 'Sequence' : 'SpecialToken');
  inner.count('type_id');
  return isText ? { text: inner.oneOf('id', ['A', 'B']), token: null } : { text: null, token: inner.string('id') };
}

function readSpecialTokens(part: Part): Map<string, number[]> {
  const idsOf = new Map<string, number[]>();
  for (const name of part.keys()) {
    const token = part.part(name);
    token.string('id');
    const [ids, tokens] = [token.get('ids'), token.get('tokens')];
    if (!Array.isArray(ids) || !ids.every(isId)) throw token.keyError('ids', 'a list of ids is needed');
    if (!Array.isArray(tokens) || tokens.some((text) => typeof text !== 'string')) {
      throw token.keyError('tokens', 'a list of tokens is needed');
    }
    idsOf.set(name, ids);
  }
  return idsOf;
}
