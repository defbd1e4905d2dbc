// The folder evidence/ on disk: finding, reading and writing receipts and what lies beside them. Everything is written
// by the engine's atomic writer, so a reader sees an old file or a new one.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../engine/io/index.ts';
import { RefuteError } from '../../errors.ts';
import type { Claim } from '../contract/model.ts';
import { parseFileName } from '../contract/parse-contract.ts';
import { absolute, claimFolder, EVIDENCE_FOLDER, isCounterexampleName, isReceiptName, receiptPath } from './paths.ts';
import { parseReceipt, type CounterexampleFile, type Receipt } from './receipt.ts';

/** A receipt that can be believed, or why this file cannot. */
export type StoredReceipt =
  | { path: string; text: string; receipt: Receipt; problem: null }
  | { path: string; text: string; receipt: null; problem: RefuteError };

/** Every receipt below evidence/, by path. Paths are relative to the root, with `/`. */
export function listReceipts(root: string): StoredReceipt[] {
  const paths: string[] = [];
  for (const stem of foldersIn(root, EVIDENCE_FOLDER)) {
    for (const claim of foldersIn(root, stem)) {
      for (const name of namesIn(root, claim)) {
        if (isReceiptName(name)) paths.push(`${claim}/${name}`);
      }
    }
  }
  return paths.toSorted().map((path) => readReceipt(path, readFileSync(absolute(root, path), 'utf8')));
}

/** Receipts of one claim. */
export function receiptsOfClaim(root: string, claim: Claim): StoredReceipt[] {
  const folder = claimFolder(claim);
  return namesIn(root, folder)
    .filter(isReceiptName)
    .toSorted()
    .map((name) => readReceipt(`${folder}/${name}`, readFileSync(absolute(root, `${folder}/${name}`), 'utf8')));
}

/** @param path names the text; where it lies is part of what a receipt must agree with */
export function readReceipt(path: string, text: string): StoredReceipt {
  try {
    const receipt = parseReceipt(text, path);
    const { contract, claim, environment } = receipt.predicate.stable;
    const home = receiptPath({ contract: parseFileName(contract), id: claim }, environment.class);
    if (home !== path) {
      const is = `this receipt is about ${contract} ${claim} on ${environment.class}, which lies at ${home}`;
      throw new RefuteError({ code: 'E_RECEIPT_PLACE', place: path, is });
    }
    return { path, text, receipt, problem: null };
  } catch (error) {
    if (error instanceof RefuteError) return { path, text, receipt: null, problem: error };
    throw error;
  }
}

/** Writes only what differs: an unchanged tree stays unchanged, down to its times. */
export async function writeIfChanged(root: string, name: string, text: string): Promise<boolean> {
  const path = absolute(root, name);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  await writeFileAtomic(path, text);
  return true;
}

/** Stored counterexamples of a claim, by file name. A file that cannot be read as one is left out. */
export function counterexamplesOf(root: string, claim: Claim): { name: string; file: CounterexampleFile }[] {
  const folder = claimFolder(claim);
  return namesIn(root, folder)
    .filter(isCounterexampleName)
    .toSorted()
    .flatMap((name) => {
      try {
        const text = readFileSync(absolute(root, `${folder}/${name}`), 'utf8');
        return [{ name, file: JSON.parse(text) as CounterexampleFile }];
      } catch {
        return [];
      }
    });
}

const LEFT_BEHIND = /^\..+\.(\d+)\.[0-9a-f]{12}\.tmp$/;

/** Removes what a killed writer left half written. Files of a writer that still lives stay. */
export function removeLeftovers(root: string): void {
  const folders = ['contracts', ...foldersIn(root, EVIDENCE_FOLDER).flatMap((stem) => foldersIn(root, stem))];
  for (const folder of folders) {
    for (const name of namesIn(root, folder)) {
      const pid = LEFT_BEHIND.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(absolute(root, folder), name), { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function foldersIn(root: string, folder: string): string[] {
  const path = absolute(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`)
    .toSorted();
}

function namesIn(root: string, folder: string): string[] {
  const path = absolute(root, folder);
  return existsSync(path) ? readdirSync(path) : [];
}
