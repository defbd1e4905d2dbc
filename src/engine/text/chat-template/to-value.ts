// What callers hand to a template, as Python's values.
import { Dict } from './dict.ts';
import { notFollowed, type Value } from './values.ts';

/** A number without a fraction is an integer, as JSON has it; -0 is a float. */
export function toValue(given: unknown): Value {
  if (typeof given === 'string' || typeof given === 'boolean' || typeof given === 'bigint' || given === null)
    return given;
  if (typeof given === 'number') return Number.isSafeInteger(given) && !Object.is(given, -0) ? BigInt(given) : given;
  if (typeof given !== 'object') return notFollowed(`a variable of type ${typeof given}`);
  if (Array.isArray(given)) return given.map(toValue);
  const entries = entriesOf(given).filter(([, value]) => value !== undefined);
  return new Dict(entries.map(([key, value]) => [toValue(key), toValue(value)] as const));
}

/** A Map keeps the order of keys that are digits; an object does not. */
function entriesOf(given: object): [unknown, unknown][] {
  return given instanceof Map ? [...given] : Object.entries(given);
}

const REASONING = ['reasoning_content', 'thinking', 'reasoning'] as const;

/** Transformers passes a message's reasoning on under each of the names that templates read. */
export function withReasoning(message: Record<string, unknown>): Record<string, unknown> {
  const reasoning = REASONING.map((name) => message[name]).find((text) => text !== undefined && text !== null);
  if (reasoning === undefined) return message;
  const aliased: Record<string, unknown> = { thinking: reasoning, ...message };
  return { ...aliased, reasoning_content: reasoning };
}
