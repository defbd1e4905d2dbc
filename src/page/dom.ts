// Making and finding elements.

type Child = Node | string;

export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new RangeError(`index.html has no ${kind.name} with the id ${id}`);
}

export function element(tag: string, className: string, ...children: Child[]): HTMLElement {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** A list of terms; shown from then on. */
export function showTerms(list: HTMLElement, terms: readonly (readonly [term: string, text: string])[]): void {
  list.replaceChildren(...terms.flatMap(([term, text]) => [element('dt', '', term), element('dd', '', text)]));
  list.hidden = false;
}

export interface TableColumn {
  title: string;
  isNumber?: boolean;
}

/** The first cell of a row is its header. A wide table scrolls by itself, under its caption, with the keyboard too. */
export function table(
  name: string,
  caption: string,
  columns: readonly TableColumn[],
  rows: readonly (readonly Child[])[],
): HTMLElement[] {
  const classOf = (index: number): string => (columns[index]?.isNumber === true ? 'number' : '');
  const head = columns.map(({ title }, index) => {
    const cell = element('th', classOf(index), title);
    cell.setAttribute('scope', 'col');
    return cell;
  });
  const body = rows.map((cells) => {
    const made = cells.map((cell, index) => element(index === 0 ? 'th' : 'td', classOf(index), cell));
    made[0]?.setAttribute('scope', 'row');
    return element('tr', '', ...made);
  });
  const whole = element('table', '', element('thead', '', element('tr', '', ...head)), element('tbody', '', ...body));
  const scroll = element('div', 'scroll', whole);
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'region');
  scroll.setAttribute('aria-label', name);
  return [element('p', 'caption', caption), scroll];
}
