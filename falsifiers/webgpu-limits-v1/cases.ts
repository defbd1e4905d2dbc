// What the process of a device is asked, as plain data.

export const STATES = ['loading', 'compiling', 'running', 'mapping', 'idle', 'silent'] as const;
/** Changes of a kernel's text that a checked run must see; the store is seen by its guard, the rest as what is no number. */
export const UNSEEN = ['store', 'barrier', 'rows'] as const;

export type State = (typeof STATES)[number];
export type Unseen = (typeof UNSEEN)[number];

export type Case =
  | { what: 'parts'; model: string; bindingBytes: number; tokens: readonly number[] }
  | { what: 'lanes'; model: string; tokens: readonly number[] }
  | { what: 'lost'; model: string; state: State }
  | { what: 'memory'; model: string; buffer: number }
  | { what: 'checked'; model: string; tokens: readonly number[] }
  | { what: 'unseen'; model: string; change: Unseen };
