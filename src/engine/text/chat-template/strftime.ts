// Python's `datetime.now().strftime(format)` in the C locale.
import { notFollowed } from './values.ts';

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** @throws NotFollowed for a directive that the C locale has no one answer to */
export function strftime(time: Date, format: string): string {
  return format.replaceAll(
    /%([-_0^#]?)(\d*)([EO]?)(.?)/gsu,
    (whole, flag: string, width: string, modifier: string, letter: string) => {
      if (letter === '%' && whole === '%%') return '%';
      const directive = modifier === '' && width === '' ? DIRECTIVES.get(letter) : undefined;
      const found = typeof directive === 'string' ? strftime(time, directive) : directive?.(time);
      if (found === undefined) return notFollowed(`the directive ${whole} of strftime_now`);
      if (typeof found !== 'number') {
        if (flag === '^') return found.toUpperCase();
        return flag === '' ? found : notFollowed(`the directive ${whole} of strftime_now`);
      }
      const [digits, fill] = PADDING[letter] ?? [1, '0'];
      if (flag === '-') return String(found);
      return String(found).padStart(digits, flag === '_' ? ' ' : flag === '0' ? '0' : fill);
    },
  );
}

/** Digits of a number and what fills them; one that is not here is written as it is. */
const PADDING: Readonly<Record<string, [number, string]>> = {
  ...Object.fromEntries('CdgHImMSUVWy'.split('').map((letter) => [letter, [2, '0']])),
  e: [2, ' '],
  k: [2, ' '],
  l: [2, ' '],
  f: [6, '0'],
  j: [3, '0'],
};

const nameOf = (names: readonly string[], at: number): string => names[at] ?? '';
const dayOfYear = (time: Date): number =>
  Math.round((Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) - Date.UTC(time.getFullYear(), 0)) / DAY);
const DAY = 86_400_000;

/** The Thursday of the same week of ISO 8601: its year is the week's, and the first one is in the first week. */
const thursdayOf = (time: Date): Date =>
  new Date(Date.UTC(time.getFullYear(), time.getMonth(), time.getDate() + 4 - (time.getDay() || 7)));
const isoYear = (time: Date): number => thursdayOf(time).getUTCFullYear();

/** What one stands for, or the format that it is short for. The time of day here knows no zone. */
const DIRECTIVES: ReadonlyMap<string, string | ((time: Date) => string | number)> = new Map<
  string,
  string | ((time: Date) => string | number)
>([
  ['a', (time) => nameOf(DAYS, time.getDay()).slice(0, 3)],
  ['A', (time) => nameOf(DAYS, time.getDay())],
  ['b', (time) => nameOf(MONTHS, time.getMonth()).slice(0, 3)],
  ['h', '%b'],
  ['B', (time) => nameOf(MONTHS, time.getMonth())],
  ['p', (time) => (time.getHours() < 12 ? 'AM' : 'PM')],
  ['P', (time) => (time.getHours() < 12 ? 'am' : 'pm')],
  ['z', ''],
  ['Z', ''],
  ['n', '\n'],
  ['t', '\t'],
  ['c', '%a %b %e %H:%M:%S %Y'],
  ['D', '%m/%d/%y'],
  ['x', '%m/%d/%y'],
  ['F', '%Y-%m-%d'],
  ['r', '%I:%M:%S %p'],
  ['R', '%H:%M'],
  ['T', '%H:%M:%S'],
  ['X', '%H:%M:%S'],
  ['Y', (time) => time.getFullYear()],
  ['C', (time) => Math.floor(time.getFullYear() / 100)],
  ['y', (time) => time.getFullYear() % 100],
  ['m', (time) => time.getMonth() + 1],
  ['d', (time) => time.getDate()],
  ['e', (time) => time.getDate()],
  ['H', (time) => time.getHours()],
  ['k', (time) => time.getHours()],
  ['I', (time) => time.getHours() % 12 || 12],
  ['l', (time) => time.getHours() % 12 || 12],
  ['M', (time) => time.getMinutes()],
  ['S', (time) => time.getSeconds()],
  ['f', (time) => time.getMilliseconds() * 1000],
  ['j', (time) => dayOfYear(time) + 1],
  ['u', (time) => time.getDay() || 7],
  ['w', (time) => time.getDay()],
  ['U', (time) => Math.floor((dayOfYear(time) + 7 - time.getDay()) / 7)],
  ['W', (time) => Math.floor((dayOfYear(time) + 7 - ((time.getDay() + 6) % 7)) / 7)],
  ['G', isoYear],
  ['g', (time) => isoYear(time) % 100],
  ['V', (time) => Math.floor((thursdayOf(time).getTime() - Date.UTC(isoYear(time), 0)) / DAY / 7) + 1],
]);
