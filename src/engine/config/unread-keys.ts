// Keys of an architecture that the config does not hold: harmless ones, ones that would change the forward pass, and
// unknown ones. Config lost in silence is a bug class of its own; here it is an error or a note.
import { RefuteError } from '../../errors.ts';
import { quoted, shownValue } from '../formats/quoted.ts';
import type { ConfigReader } from './config-reader.ts';

export interface KnownKeys {
  /** Read elsewhere. */
  read: readonly string[];
  /** Information for people and converters, or numbers that matter only beside an unsupported one. */
  harmless: readonly string[];
  /** Keys that change the result unless they have this value. */
  neutral: ReadonlyMap<string, unknown>;
}

/** @throws RefuteError E_CONFIG_UNSUPPORTED */
export function reportUnreadKeys(reader: ConfigReader, { read, harmless, neutral }: KnownKeys): void {
  const unknown: string[] = [];
  for (const key of reader.keys()) {
    if (read.includes(key) || harmless.includes(key) || reader.isNull(key)) continue;
    if (!neutral.has(key)) {
      unknown.push(reader.full(key));
    } else if (!isSame(reader.get(key), neutral.get(key))) {
      const is = `${reader.full(key)} is ${shownValue(reader.get(key))}`;
      const allowed = `it changes the forward pass and is not supported (${shownValue(neutral.get(key))} would be)`;
      throw new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: reader.path, is, allowed });
    }
  }
  if (unknown.length === 0) return;
  const names = unknown.slice(0, 8).map(quoted).join(', ');
  const rest = unknown.length > 8 ? ` and ${unknown.length - 8} more` : '';
  reader.notices.push({
    severity: 'note',
    code: 'CONFIG-UNREAD-KEY',
    message: `Not known and not read: ${names}${rest}.`,
  });
}

/** Lists are equal where both are empty. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || (Array.isArray(a) && Array.isArray(b) && a.length + b.length === 0);
}
