// The files of a small project that a check writes and changes, by names below its root.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export class ProjectFolder {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** Replaces a text that must be there. */
  edit(name: string, find: string, replace: string): void {
    const before = this.read(name);
    if (!before.includes(find)) throw new Error(`${name} does not contain ${find}`);
    this.write(
      name,
      before.replace(find, () => replace),
    );
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true });
  }
}
