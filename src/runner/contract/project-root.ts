// Which project a contract belongs to, found from the place of the contract, not from that of the tool.
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The parent of the folder contracts/ that it is in, else the nearest folder above with falsifiers/, else its own. */
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
