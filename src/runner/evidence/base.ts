// What contracts and receipts said at another commit. Only files that differ are read: what did not change was not
// loosened. Git answers; nothing is checked out.
import { RefuteError } from '../../errors.ts';
import { readContractText } from '../contract/load-contract.ts';
import type { Contract } from '../contract/model.ts';
import { EVIDENCE_FOLDER, isReceiptName } from './paths.ts';
import type { Receipt } from './receipt.ts';
import { readReceipt } from './store.ts';

export interface Base {
  ref: string;
  /** As they were, of every contract file that was changed or deleted since. */
  contracts: Contract[];
  /** As they were, of every receipt that was changed or deleted since. */
  receipts: { path: string; receipt: Receipt }[];
}

/** @throws RefuteError E_BASE when git does not know the commit */
export async function readBase(root: string, ref: string): Promise<Base> {
  // A ref that begins with a dash would be an option.
  const commit = (await git(root, ref, 'rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`)).trim();
  const flags = ['--name-only', '--no-renames', '--relative', '-z'];
  const listed = await git(root, ref, 'diff', ...flags, commit, '--', 'contracts', EVIDENCE_FOLDER);
  const base: Base = { ref, contracts: [], receipts: [] };
  for (const path of listed.split('\0').filter((name) => name !== '')) {
    const isContract = path.startsWith('contracts/') && /\.ya?ml$/i.test(path);
    const isReceipt = path.startsWith(`${EVIDENCE_FOLDER}/`) && isReceiptName(path.slice(path.lastIndexOf('/') + 1));
    if (!isContract && !isReceipt) continue;
    const text = await show(root, commit, path);
    if (text === null) continue;
    if (isContract) {
      const reading = readContractText(path, text);
      if (reading.kind === 'contract') base.contracts.push(reading.contract);
    } else {
      const { receipt } = readReceipt(path, text);
      if (receipt !== null) base.receipts.push({ path, receipt });
    }
  }
  return base;
}

/** null: the file is new. */
async function show(root: string, commit: string, path: string): Promise<string | null> {
  const { execa } = await import('execa');
  const options = { cwd: root, reject: false, stripFinalNewline: false } as const;
  const result = await execa('git', ['show', `${commit}:./${path}`], options);
  return result.exitCode === 0 ? result.stdout : null;
}

async function git(root: string, ref: string, ...argv: string[]): Promise<string> {
  const { execa } = await import('execa');
  const result = await execa('git', argv, { cwd: root, reject: false });
  if (result.exitCode === 0) return result.stdout;
  const [line = 'git does not answer'] = (result.stderr ?? '').split('\n');
  const allowed = 'a commit, branch or tag of the repository that holds the project';
  throw new RefuteError({ code: 'E_BASE', place: `--base ${ref}`, is: line.replace(/^fatal: /, ''), allowed });
}
