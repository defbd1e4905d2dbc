// contracts/schema.json is what its $schema says, without a keyword that no dialect knows: `pv validate` takes that
// for granted and does not look.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { CONTRACT_SCHEMA } from '../../../src/runner/contract/schema.ts';

function judge(schema: object): Ajv2020['errors'] {
  const ajv = new Ajv2020({ allErrors: true, strictTypes: false, allowUnionTypes: true });
  ajv.addVocabulary(['x-unrun', 'x-expects']);
  return ajv.validateSchema(schema) === true ? null : ajv.errors;
}

describe('the contract schema', () => {
  it('is JSON Schema 2020-12', () => {
    expect(CONTRACT_SCHEMA).toHaveProperty('$schema', 'https://json-schema.org/draft/2020-12/schema');
    expect(judge(CONTRACT_SCHEMA)).toBeNull();
  });

  it('would not be with a type that there is not, or a negative length', () => {
    expect(judge({ ...CONTRACT_SCHEMA, type: 'map' })).not.toBeNull();
    expect(judge({ ...CONTRACT_SCHEMA, minProperties: -1 })).not.toBeNull();
  });
});
