// A small project in a temporary folder, with a product of one file, toy falsifiers and a contract: what the harness
// is tested on. Also the way to run pv on it as a user would.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { ProjectFolder } from '../../../falsifiers/kit/claims/project-folder.ts';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const TOYS = fileURLToPath(new URL('./files/', import.meta.url));

export interface PvResult {
  exitCode: number;
  signal: string | undefined;
  stdout: string;
  stderr: string;
}

export class ToyProject extends ProjectFolder {
  /** @param from a project whose present state is where this one begins; the toys as they are when absent */
  constructor(from?: ToyProject) {
    super(mkdtempSync(join(tmpdir(), 'refute-toy-')));
    const source = from?.root ?? TOYS;
    cpSync(source, this.root, { recursive: true, filter: (path) => path !== join(source, 'node_modules') });
    // Falsifiers import fast-check; a project has it from its own npm ci.
    symlinkSync(join(REPOSITORY, 'node_modules'), join(this.root, 'node_modules'), 'dir');
  }

  /** Runs pv in the project; the clock stands still, so that equal runs write equal bytes. */
  async pv(
    argv: readonly string[],
    options: { env?: Record<string, string>; nodeArgv?: string[] } = {},
  ): Promise<PvResult> {
    const { env = {}, nodeArgv = [] } = options;
    const result = await execa(process.execPath, [...nodeArgv, join(REPOSITORY, 'bin/pv.js'), ...argv], {
      cwd: this.root,
      reject: false,
      env: { NO_COLOR: '1', SOURCE_DATE_EPOCH: '1700000000', ...env },
    });
    return { exitCode: result.exitCode ?? -1, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
  }

  /** Everything that pv may write, by name; without half-written temporary files. */
  snapshot(): Map<string, string> {
    const files = new Map<string, string>();
    for (const folder of ['contracts', 'evidence']) {
      if (!this.has(folder)) continue;
      for (const entry of readdirSync(this.path(folder), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || entry.name.endsWith('.tmp')) continue;
        const path = join(entry.parentPath, entry.name);
        files.set(relative(this.root, path).split(sep).join('/'), readFileSync(path, 'utf8'));
      }
    }
    return files;
  }

  /** Half-written temporary files that a killed writer left. */
  leftovers(): string[] {
    return ['contracts', 'evidence']
      .filter((folder) => this.has(folder))
      .flatMap((folder) => readdirSync(this.path(folder), { recursive: true, encoding: 'utf8' }))
      .filter((name) => name.endsWith('.tmp'));
  }

  async git(...argv: string[]): Promise<string> {
    const identity = ['-c', 'user.name=Toy', '-c', 'user.email=toy@example.org', '-c', 'commit.gpgsign=false'];
    const { stdout } = await execa('git', [...identity, ...argv], { cwd: this.root });
    return stdout;
  }

  /** Makes the folder a repository whose HEAD is the present state. */
  async commitAll(): Promise<void> {
    if (!this.has('.git')) {
      await this.git('init', '-q');
      this.write('.gitignore', 'node_modules\n');
    }
    await this.git('add', '-A');
    await this.git('commit', '-q', '-m', 'state');
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

const CLASS_FILE: string = `cpu.${process.arch}.v8-${process.versions.v8.split('.').slice(0, 2).join('.')}.json`;

export function receiptName(stem: string, id: string): string {
  return `evidence/${stem}/${id}/${CLASS_FILE}`;
}
