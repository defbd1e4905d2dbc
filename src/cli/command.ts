// A commander command that refuses what commander lets pass without a word: a value option given twice (the last would
// count), one without its value (the next option would be taken for it), one with an empty value. Its own errors are
// worded like all others.
import { Command, type CommanderError, type Option } from 'commander';
import { RefuteError } from '../errors.ts';
import { collect, nameOf, optionError } from './options.ts';

/** Options whose value is a text of the user, which may be empty. */
const TEXTS: ReadonlySet<string> = new Set(['prompt', 'system']);

export class StrictCommand extends Command {
  readonly #given = new Set<string>();

  override createCommand(name?: string): Command {
    return new StrictCommand(name);
  }

  override addOption(option: Option): this {
    if (option.required) {
      // Before commander's own listener, which reads the value.
      this.on(`option:${option.name()}`, (value: string) => this.#check(option, value));
    }
    return super.addOption(option);
  }

  #check(option: Option, value: string): void {
    const name = nameOf(option);
    const isOption =
      /^--[a-z]/.test(value) || this.options.some(({ short, long }) => value === short || value === long);
    if (isOption && isNextArgument(option, value)) {
      const next = `Write ${name}=${value} if that is the value`;
      throw optionError(name, `its value is missing, ${value} follows`, 'a value is needed', next);
    }
    if (value === '' && !TEXTS.has(option.name())) throw optionError(name, 'its value is empty', 'a value is needed');
    if (this.#given.has(name) && option.parseArg !== collect) {
      throw optionError(name, 'it is given more than once', 'one value is needed');
    }
    this.#given.add(name);
  }
}

/** `--limit --json` on the command line, not `--limit=--json`. */
function isNextArgument({ short, long }: Option, value: string): boolean {
  return process.argv.some((argument, i) => i > 0 && value === argument && [short, long].includes(process.argv[i - 1]));
}

/** What commander found, in the form of every other error. */
export function usageError({ code, message }: CommanderError): RefuteError {
  const text = message.replace(/^error: /, '');
  const [, flags = '', value = '', allowed = ''] =
    /^option '(.*?)' argument '(.*)' is invalid\. (.*)\.$/s.exec(text) ?? [];
  if (code === 'commander.invalidArgument' && flags !== '') {
    return optionError(/--[a-z-]+/.exec(flags)?.[0] ?? flags, JSON.stringify(value), lowerFirst(allowed));
  }
  const [is = '', hint = ''] = text.split(/\n/);
  const isText = code === 'commander.unknownOption' && /'-[^']*\s/.test(is);
  const other = isText ? 'Write -- before a text that begins with -' : '--help lists what there is';
  const next = hint === '' ? other : hint.replaceAll(/^\(|\)$/g, '');
  return new RefuteError({ code: 'E_USAGE', place: 'command line', is: is.replace(/\.$/, ''), next });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
