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
      const found = modifier === '' && width === '' ? directive(time, letter) : null;
      if (found === null) return notFollowed(`the directive ${whole} of strftime_now`);
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

function directive(time: Date, letter: string): string | number | null {
  const year = time.getFullYear();
  const [month, day, hour, weekday] = [time.getMonth(), time.getDate(), time.getHours(), time.getDay()];
  const yearDay = Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000);
  switch (letter) {
    case 'a':
      return (DAYS[weekday] ?? '').slice(0, 3);
    case 'A':
      return DAYS[weekday] ?? '';
    case 'b':
    case 'h':
      return (MONTHS[month] ?? '').slice(0, 3);
    case 'B':
      return MONTHS[month] ?? '';
    case 'p':
      return hour < 12 ? 'AM' : 'PM';
    case 'P':
      return hour < 12 ? 'am' : 'pm';
    case 'z':
    case 'Z':
      // The time of day here knows no zone.
      return '';
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'c':
      return strftime(time, '%a %b %e %H:%M:%S %Y');
    case 'D':
    case 'x':
      return strftime(time, '%m/%d/%y');
    case 'F':
      return strftime(time, '%Y-%m-%d');
    case 'r':
      return strftime(time, '%I:%M:%S %p');
    case 'R':
      return strftime(time, '%H:%M');
    case 'T':
    case 'X':
      return strftime(time, '%H:%M:%S');
    case 'Y':
      return year;
    case 'C':
      return Math.floor(year / 100);
    case 'y':
      return year % 100;
    case 'm':
      return month + 1;
    case 'd':
    case 'e':
      return day;
    case 'H':
    case 'k':
      return hour;
    case 'I':
    case 'l':
      return hour % 12 || 12;
    case 'M':
      return time.getMinutes();
    case 'S':
      return time.getSeconds();
    case 'f':
      return time.getMilliseconds() * 1000;
    case 'j':
      return yearDay + 1;
    case 'u':
      return weekday || 7;
    case 'w':
      return weekday;
    case 'U':
      return Math.floor((yearDay + 7 - weekday) / 7);
    case 'W':
      return Math.floor((yearDay + 7 - ((weekday + 6) % 7)) / 7);
    case 'G':
      return isoYearAndWeek(time).year;
    case 'g':
      return isoYearAndWeek(time).year % 100;
    case 'V':
      return isoYearAndWeek(time).week;
    default:
      return null;
  }
}

/** The week of ISO 8601: the one that holds the year's first Thursday is the first. */
function isoYearAndWeek(time: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(time.getFullYear(), time.getMonth(), time.getDate() + 4 - (time.getDay() || 7)));
  const year = thursday.getUTCFullYear();
  const days = (thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000;
  return { year, week: Math.floor(days / 7) + 1 };
}
