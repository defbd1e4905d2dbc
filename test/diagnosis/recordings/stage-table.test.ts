// The stages that docs/reference-packs.md offers, those that scripts/captures.py lists for Transformers and those of
// the engine are the same: a producer cannot write what the page does not name.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STAGE_NAMES } from '../../../src/engine/program/stages.ts';

const text = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** Words in backticks in the first cell of every row, up to the next heading. */
function stagesOfPage(): string[] {
  const section = text('docs/reference-packs.md').split('## Stages and shapes')[1]?.split('\n## ')[0] ?? '';
  const cells = section.split('\n').flatMap((line) => (line.startsWith('| `') ? [line.split('|')[1] ?? ''] : []));
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}

/** The quoted words of LAYER_STAGES and STAGES. */
function stagesOfScript(): string[] {
  const lists = /^LAYER_STAGES = \(([^)]*)\)[^]*?^STAGES = \[([^\]]*)\]/m.exec(text('scripts/captures.py'));
  return [...`${lists?.[1]} ${lists?.[2]}`.matchAll(/"([^"]*)"/g)].flatMap(([, words = '']) =>
    words.split(' ').filter((word) => word !== ''),
  );
}

const sorted = (names: readonly string[]): string[] => names.toSorted();

describe('the stages of a reference pack', () => {
  it('are in the table of the page, each once', () => {
    expect(sorted(stagesOfPage())).toEqual(sorted(STAGE_NAMES));
  });

  it('are those that the Transformers script may write', () => {
    expect(sorted(stagesOfScript())).toEqual(sorted(STAGE_NAMES));
  });
});
