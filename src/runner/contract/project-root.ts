// Which project a contract belongs to, found from the contract and never from where the tool lies.
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The folder that holds the contract's contracts/; else the nearest one above with falsifiers/; else its own folder. */
export function projectRootOf(contractPath: string): string {
  const own = dirname(resolve(contractPath));
  return (
    firstAbove(own, (folder) => basename(folder) === 'contracts', dirname) ??
    firstAbove(
      own,
      (folder) => existsSync(join(folder, 'falsifiers')),
      (folder) => folder,
    ) ??
    own
  );
}

function firstAbove(
  start: string,
  isIt: (folder: string) => boolean,
  root: (folder: string) => string,
): string | undefined {
  for (let at = start; ; at = dirname(at)) {
    if (isIt(at)) return root(at);
    if (dirname(at) === at) return undefined;
  }
}
