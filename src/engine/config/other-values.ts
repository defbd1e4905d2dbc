// Two keys that state one thing with other values: the reference's order decides, and the reader of the file is told.
import { shownValue } from '../formats/quoted.ts';
import type { ConfigReader } from './config-reader.ts';

/**
 * A warning where one of `keys` states another value than the one that is used.
 *
 * @param used.key the key that counts, or what it is called where none states it
 * @param rule whose order this is
 */
export function noteOtherValues(
  reader: ConfigReader,
  used: { key: string; value: unknown },
  keys: readonly string[],
  rule: string,
): void {
  const other = keys.filter((key) => {
    const value = reader.get(key);
    return value !== undefined && JSON.stringify(value) !== JSON.stringify(used.value);
  });
  if (other.length === 0) return;
  const stated = other.map((key) => `${reader.full(key)} is ${shownValue(reader.get(key))}`).join(' and ');
  const taken = used.value === undefined ? `no ${used.key}` : `${used.key} = ${shownValue(used.value)}`;
  const message = `${stated}, but ${taken} is taken (${rule}).`;
  reader.notices.push({ severity: 'warning', code: 'CONFIG-STATED-TWICE', message });
}
