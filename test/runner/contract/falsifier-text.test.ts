// Which falsifier modules are read for a contract: one in falsifiers/ or in a folder there, never one outside.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { falsifierReader } from '../../../src/runner/contract/falsifier-text.ts';

const contract = fileURLToPath(new URL('../../../contracts/metamorphic-v1.yaml', import.meta.url));

it.each(['metamorphic-v1', 'metamorphic-v1/rotation'])('reads %s', (name) => {
  expect(falsifierReader()(name, contract)).toContain('FALSIFY-META-');
});

it.each([
  '../falsifiers/metamorphic-v1',
  'kit/../metamorphic-v1',
  '/metamorphic-v1',
  'metamorphic-v1/',
  '.kit/x',
  'gone',
])('does not read %s', (name) => {
  expect(falsifierReader()(name, contract)).toBeUndefined();
});
