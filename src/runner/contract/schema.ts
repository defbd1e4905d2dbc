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

/** The known keys of a value, from the schema; compiled once, as every key of every contract is looked up. */
export interface KeyTree {
  /** Absent: anything may stand here. */
  keys?: ReadonlyMap<string, KeyTree>;
  /** What stands under keys of the author's choice, as names of equations. */
  anyKey?: KeyTree;
  items?: KeyTree;
  isUnrun: boolean;
}

const treesByName = new Map<string, KeyTree>();

function treeOf(node: SchemaNode): KeyTree {
  const name = node.$ref?.replace('#/$defs/', '');
  if (name === undefined) return ownTree(node);
  const known = treesByName.get(name) ?? ownTree(CONTRACT_SCHEMA.$defs?.[name] ?? {});
  treesByName.set(name, known);
  return known;
}

function ownTree(node: SchemaNode): KeyTree {
  const tree: KeyTree = { isUnrun: node['x-unrun'] === true };
  if (node.properties !== undefined) {
    tree.keys = new Map(Object.entries(node.properties).map(([key, value]) => [key, treeOf(value)]));
  }
  if (typeof node.additionalProperties === 'object') tree.anyKey = treeOf(node.additionalProperties);
  if (node.items !== undefined) tree.items = treeOf(node.items);
  return tree;
}

const ANYTHING: KeyTree = { isUnrun: false };

export const CONTRACT_KEYS: KeyTree = treeOf(CONTRACT_SCHEMA);

/** What is known of a key; undefined where it is unknown. */
export function treeOfKey(tree: KeyTree, key: string): KeyTree | undefined {
  return tree.keys?.get(key) ?? tree.anyKey ?? (tree.keys === undefined ? ANYTHING : undefined);
}
