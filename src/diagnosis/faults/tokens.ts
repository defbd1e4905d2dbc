// Faults of the token ids themselves, before any arithmetic.
import type { ModelTransform } from '../../engine/model/model.ts';
import { modelVariant, type Fault, type FaultVariant } from './fault.ts';

function fed(title: string, tokens: NonNullable<ModelTransform['tokens']>): FaultVariant {
  return modelVariant(title, { tokens });
}

export const TOKEN_FAULTS: readonly Fault[] = [
  {
    id: 'T1',
    title: 'the first token is dropped',
    bugClass: 'TOKENIZER_MISMATCH',
    firstStage: 'tokens',
    needs: 'two tokens',
    gross: fed('the first token is dropped', (tokens) => (tokens.length > 1 ? tokens.slice(1) : tokens)),
    small: fed('the last token is dropped', (tokens) => (tokens.length > 1 ? tokens.slice(0, -1) : tokens)),
  },
  {
    id: 'T2',
    title: 'the first token is doubled',
    bugClass: 'TOKENIZER_MISMATCH',
    firstStage: 'tokens',
    needs: 'any input',
    gross: fed('the first token is doubled', (tokens) => [...tokens.slice(0, 1), ...tokens]),
    small: fed('the last token is doubled', (tokens) => [...tokens, ...tokens.slice(-1)]),
  },
];
