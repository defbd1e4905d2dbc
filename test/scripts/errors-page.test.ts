// docs/errors.md is what the source says, and no code is missing from it.
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorsPage } from '../../scripts/errors-page.ts';

const page = readFileSync('docs/errors.md', 'utf8');

it('is what the source says', () => {
  expect(errorsPage() === page, 'docs/errors.md is out of date; "npm run errors-page" writes it').toBe(true);
});

// Found by text, as the page is not: a code that the syntax trees do not give up is seen here.
it('has every code that stands in the source', () => {
  const sources = globSync('src/**/*.ts').map((path) => readFileSync(path, 'utf8'));
  const ERROR_OR_CONTRACT = /'(E_[A-Z0-9_]+|(?:SCHEMA|PV|LVL)-\d{3})'/g;
  const NOTICE = /\bcode: '([A-Z][A-Z0-9]+(?:[-_][A-Z0-9]+)+)'/g;
  const codes = sources.flatMap((source) =>
    [ERROR_OR_CONTRACT, NOTICE].flatMap((pattern) => [...source.matchAll(pattern)]),
  );
  expect(codes.length).toBeGreaterThan(200);
  expect(codes.map(([, code]) => code).filter((code) => !page.includes(`\n${code} `))).toEqual([]);
});
