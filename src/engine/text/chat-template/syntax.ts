// The library's syntax tree, whose types it does not export, as the interpreter here reads it.

/** A token as the library's parser takes it; `depth` counts the brackets around it and tells `(a < b) < c` apart. */
export interface Token {
  type: string;
  value: string;
  depth: number;
}

export type Node = Statement | Expression | Argument;

type Statement =
  | { type: 'Program'; body: Node[] }
  | { type: 'If'; test: Node; body: Node[]; alternate: Node[] }
  | For
  | { type: 'Break' }
  | { type: 'Continue' }
  | { type: 'Set'; assignee: Node; value: Node | null; body: Node[] }
  | MacroNode
  | CallStatement
  | { type: 'FilterStatement'; filter: Node; body: Node[] }
  | { type: 'Comment' };

type Expression =
  | { type: 'MemberExpression'; object: Node; property: Node; computed: boolean }
  | CallNode
  | Identifier
  | { type: 'IntegerLiteral'; value: number }
  | { type: 'FloatLiteral'; value: number }
  | { type: 'StringLiteral'; value: string }
  | { type: 'ArrayLiteral'; value: Node[] }
  | { type: 'TupleLiteral'; value: Node[] }
  | { type: 'ObjectLiteral'; value: Map<Node, Node> }
  | BinaryNode
  | FilterNode
  | { type: 'SelectExpression'; lhs: Node; test: Node }
  | { type: 'UnaryExpression'; operator: Token; argument: Node }
  | SliceNode
  | { type: 'Ternary'; condition: Node; trueExpr: Node; falseExpr: Node };

type Argument =
  | { type: 'KeywordArgumentExpression'; key: Identifier; value: Node }
  | { type: 'SpreadExpression'; argument: Node }
  | { type: 'KeywordSpreadExpression'; argument: Node };

interface Identifier {
  type: 'Identifier';
  value: string;
}
export interface For {
  type: 'For';
  loopvar: Node;
  iterable: Node;
  body: Node[];
  defaultBlock: Node[];
}
interface MacroNode {
  type: 'Macro';
  name: Identifier;
  args: Node[];
  body: Node[];
}
interface CallNode {
  type: 'CallExpression';
  callee: Node;
  args: Node[];
}
export interface CallStatement {
  type: 'CallStatement';
  call: CallNode;
  callerArgs: Node[] | null;
  body: Node[];
}
export interface BinaryNode {
  type: 'BinaryExpression';
  operator: Token;
  left: Node;
  right: Node;
}
interface FilterNode {
  type: 'FilterExpression';
  operand: Node;
  filter: Node;
}
interface SliceNode {
  type: 'SliceExpression';
  start?: Node;
  stop?: Node;
  step?: Node;
}

/** Names that no template can spell: what tokens are rewritten to so that the library's parser takes them. */
export const INTERNAL = {
  /** Called with the items of a tuple. */
  tuple: 'tuple of',
  /** Called by a call block that stands for `with`: its text is the block's own. */
  scope: 'scope of',
  /** The same for Transformers' `generation`. */
  generation: 'generation of',
  /** Before the digits of an integer that the parser would round. */
  integer: 'int ',
  /** Before the name of a loop's variable. */
  recursive: 'recursive ',
  /** Before the name of a test that stands as a filter. */
  is: 'is ',
  isNot: 'is not ',
} as const;

const STATEMENTS = new Set('Program If For Break Continue Set Macro CallStatement FilterStatement Comment'.split(' '));
const ARGUMENTS = new Set('KeywordArgumentExpression SpreadExpression KeywordSpreadExpression'.split(' '));

export function isStatement(node: Node): node is Statement {
  return STATEMENTS.has(node.type);
}

export function isExpression(node: Node): node is Expression {
  return !isStatement(node) && !ARGUMENTS.has(node.type);
}

/** Every node right below one. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap((value: unknown): Node[] => {
    if (Array.isArray(value)) return value.filter(isNode);
    if (value instanceof Map) return [...value].flat().filter(isNode);
    return isNode(value) ? [value] : [];
  });
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && !('depth' in value);
}
