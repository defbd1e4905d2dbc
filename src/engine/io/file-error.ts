// Words for what the operating system says about a file. The one place that knows errno names.
import { RefuteError } from '../../errors.ts';

type Action = 'read' | 'write';

/** Addresses and names of hubs are not paths, and a shell expands `~` only at the start of a word. */
function hintOf(path: string): { next?: string } {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    return { next: 'This is an address: download the file, and name the copy' };
  if (path.startsWith('~')) return { next: 'The ~ was not expanded: write the folder out' };
  return {};
}

/** Longer paths are cut in messages. */
const MAX_SHOWN = 300;

/** A RefuteError passes through; an errno becomes one with a code of its own; anything else keeps its cause. */
export function fileError(error: unknown, path: string, action: Action): RefuteError {
  if (error instanceof RefuteError) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const shown = path.length <= MAX_SHOWN ? path : `${path.slice(0, MAX_SHOWN)}… (${path.length} characters)`;
  const place = path === '' ? '(empty path)' : shown.replaceAll('\0', '\\0');
  const parts = { place, cause: error };
  switch (errno) {
    case 'ENOENT':
      return action === 'read'
        ? new RefuteError({ ...parts, code: 'E_FILE_MISSING', is: 'there is no such file', ...hintOf(path) })
        : new RefuteError({ ...parts, code: 'E_FILE_MISSING', is: 'the folder does not exist' });
    case 'ENOTDIR':
    case 'EEXIST':
      return new RefuteError({ ...parts, code: 'E_FILE_MISSING', is: 'a part of the path is a file, not a folder' });
    case 'EISDIR':
      return new RefuteError({
        ...parts,
        code: 'E_FILE_DIRECTORY',
        is: 'this is a folder',
        allowed: 'a file is needed',
      });
    case 'EACCES':
    case 'EPERM':
      return new RefuteError({
        ...parts,
        code: 'E_FILE_PERMISSION',
        is: `you may not ${action} it`,
        next: 'Check owner and mode',
      });
    case 'EROFS':
      return new RefuteError({ ...parts, code: 'E_FILE_PERMISSION', is: 'the file system is read-only' });
    case 'ENOSPC':
    case 'EDQUOT':
      return new RefuteError({
        ...parts,
        code: 'E_FILE_NO_SPACE',
        is: 'the disk is full',
        next: 'The old file, if any, is untouched',
      });
    case 'ERR_INVALID_ARG_VALUE':
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return new RefuteError({
        ...parts,
        code: 'E_FILE_PATH',
        is: 'this cannot be a path',
        allowed: 'it is too long, cyclic, or holds a NUL',
      });
    default: {
      const what = error instanceof Error ? error.message : String(error);
      return new RefuteError({ ...parts, code: action === 'read' ? 'E_FILE_READ' : 'E_FILE_WRITE', is: what });
    }
  }
}
