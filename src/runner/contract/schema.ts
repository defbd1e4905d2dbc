// contracts/schema.json as data: the one list of known keys, types and allowed values, shared with editors.
import schemaJson from '../../../contracts/schema.json' with { type: 'json' };

/** The part of JSON Schema that our schema uses. */
export interface SchemaNode {
  $ref?: string;
  description?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  properties?: Readonly<Record<string, SchemaNode>>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  $defs?: Readonly<Record<string, SchemaNode>>;
  /** Our own word: claims stand here from which nothing is run. */
  'x-unrun'?: boolean;
  /** Our own word: what a pattern asks for, for people. */
  'x-expects'?: string;
}

export const CONTRACT_SCHEMA: SchemaNode = schemaJson as SchemaNode;

/** Follows `$ref` into `$defs`. */
export function resolveSchema(node: SchemaNode): SchemaNode {
  const name = node.$ref?.replace('#/$defs/', '');
  return name === undefined ? node : (CONTRACT_SCHEMA.$defs?.[name] ?? node);
}

/** Schema of what stands under a key; undefined where the key is unknown, a free node where anything may stand. */
export function schemaOfKey(node: SchemaNode, key: string): SchemaNode | undefined {
  const own = Object.hasOwn(node.properties ?? {}, key) ? node.properties?.[key] : undefined;
  if (own !== undefined) return resolveSchema(own);
  if (typeof node.additionalProperties === 'object') return resolveSchema(node.additionalProperties);
  return node.properties === undefined ? {} : undefined;
}
