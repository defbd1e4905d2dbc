// Circles in a graph: groups of nodes that all lead to each other (Tarjan's algorithm, without recursion, linear), and
// the shortest way round through a given one.

export type Edges<Node> = (node: Node) => readonly Node[];

/** Every group of nodes in a circle with each other, a node that leads to itself included. */
export function circlesOf<Node>(nodes: Iterable<Node>, edges: Edges<Node>): Set<Node>[] {
  const order = new Map<Node, number>();
  const lowest = new Map<Node, number>();
  const open: Node[] = [];
  const isOpen = new Set<Node>();
  const found: Set<Node>[] = [];

  const enter = (node: Node): { node: Node; next: number } => {
    order.set(node, order.size);
    lowest.set(node, order.size - 1);
    open.push(node);
    isOpen.add(node);
    return { node, next: 0 };
  };
  const lower = (node: Node, value: number): void => {
    lowest.set(node, Math.min(lowest.get(node) ?? value, value));
  };

  for (const start of nodes) {
    if (order.has(start)) continue;
    const path = [enter(start)];
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      const child = edges(at.node)[at.next];
      at.next += 1;
      if (child !== undefined) {
        if (!order.has(child)) path.push(enter(child));
        else if (isOpen.has(child)) lower(at.node, order.get(child) ?? 0);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) lower(parent.node, lowest.get(at.node) ?? 0);
      if (lowest.get(at.node) !== order.get(at.node)) continue;
      const group = new Set(open.splice(open.lastIndexOf(at.node)));
      for (const node of group) isOpen.delete(node);
      if (group.size > 1 || edges(at.node).includes(at.node)) found.push(group);
    }
  }
  return found;
}

/** From a node round to itself, itself at the end only; edges are tried in their order, so the answer is stable. */
export function shortestRound<Node>(start: Node, edges: Edges<Node>): Node[] {
  const cameFrom = new Map<Node, Node>();
  const queue = [start];
  for (const at of queue) {
    for (const next of edges(at)) {
      if (next === start) {
        const way = [start];
        for (let step: Node | undefined = at; step !== undefined && step !== start; step = cameFrom.get(step))
          way.unshift(step);
        return way;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  return [];
}
