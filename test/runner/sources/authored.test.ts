// The digest of a contract without what `pv` writes into it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { authoredDigest, isContractName } from '../../../src/runner/sources/authored.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const AUTHORED = `metadata:
  version: 1.0.0
  description: d
falsification_tests:
  - id: A-1
    prediction: p
    bar: { threshold: 1.0 }
`;

const folder = await temporaryFolder();

function digestOf(text: string): string {
  const path = join(folder, 'c-v1.yaml');
  writeFileSync(path, text);
  return authoredDigest(path);
}

describe('the digest of a contract as authored', () => {
  it('stays when pv writes a level, evidence, a version and a changelog line', () => {
    const written = AUTHORED.replace('1.0.0', '1.1.0\n  changelog: ["1.1.0: A-1"]').replace(
      '    prediction: p\n',
      '    prediction: p\n    status: FUNCTIONAL\n    algorithm_evidence: [{ receipt: r, digest: d, figure: f }]\n',
    );
    expect(digestOf(written)).toBe(digestOf(AUTHORED));
  });

  it.each([
    ['a prediction', 'prediction: p', 'prediction: q'],
    ['a bar', 'threshold: 1.0', 'threshold: 2.0'],
    ['a description', 'description: d', 'description: e'],
  ])('moves with %s', (_what, find, replace) => {
    expect(digestOf(AUTHORED.replace(find, replace))).not.toBe(digestOf(AUTHORED));
  });

  it('is that of the bytes where the file is no YAML', () => {
    expect(digestOf('a: [')).not.toBe(digestOf('a: [ '));
  });

  it('concerns contracts only', () => {
    expect(['contracts/a-v1.yaml', 'contracts/deep/a.yml'].every(isContractName)).toBe(true);
    expect(['models/contracts/a.yaml', 'contracts/schema.json'].some(isContractName)).toBe(false);
  });
});
