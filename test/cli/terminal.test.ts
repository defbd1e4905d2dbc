// Tables line up whatever their cells hold: colour codes, wide characters, and symbols that only look like emoji.
import { describe, expect, test } from 'vitest';
import { formatTable } from '../../src/cli/terminal.ts';

describe('a cell of a table', () => {
  test.each([
    ['ASCII', 'abc', 3],
    ['signs of one column that have an emoji form', '©®™↔', 4],
    ['an emoji', '🙂', 2],
    ['several code points shown as one', '👩‍👩‍👧', 2],
    ['CJK', '模型', 4],
    ['a letter and an accent of its own', 'e\u0301', 1],
    ['colour codes', '\x1b[31mred\x1b[39m', 3],
    ['nothing', '', 0],
  ])('of %s takes its columns', (_, cell, width) => {
    const [, , row = ''] = formatTable(['x', 'y'], [[cell, '|']]).split('\n');
    const columnCount = Math.max(width, 1);
    expect(row).toBe(`${cell}${' '.repeat(columnCount - width)}  |`);
    expect(formatTable(['x'], [[cell]]).split('\n')[1]).toBe('─'.repeat(columnCount));
  });
});
