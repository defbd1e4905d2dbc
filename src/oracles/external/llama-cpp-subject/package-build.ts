// Where the prebuilt llama.cpp lies and which one it is: the package that node-llama-cpp installs for this platform.
// Loads nothing of it.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PackageBuild {
  /** The folder of its libraries. */
  folder: string;
  /** `v0.5.0`: llama.cpp's own, also in the names of its libraries. */
  release: string;
  packageVersion: string;
  /** CPU builds by name, `zen4`; which of them this processor runs, only they know. */
  variants: readonly string[];
}

type Platform = Pick<NodeJS.Process, 'platform' | 'arch'>;

const PACKAGE = '@node-llama-cpp/linux-x64';

/** Never throws for what is missing: says why instead. */
export function findPackageBuild({ platform, arch }: Platform = process): PackageBuild | { absent: string } {
  if (platform !== 'linux' || arch !== 'x64') {
    return { absent: `its libraries are driven on Linux x64 only, this is ${platform} ${arch}` };
  }
  try {
    const packageFolder = join(dirname(fileURLToPath(import.meta.resolve(PACKAGE))), '..');
    const folder = join(packageFolder, 'bins/linux-x64');
    const about = readJson(join(folder, '_nlcBuildMetadata.json')) as {
      buildOptions: { llamaCpp: { release: string } };
    };
    const { version } = readJson(join(packageFolder, 'package.json')) as { version: string };
    const variants = readdirSync(folder).flatMap((name) => /^libggml-cpu-(\w+)\.so$/.exec(name)?.[1] ?? []);
    if (variants.length === 0) return { absent: `${PACKAGE} has no CPU build` };
    return { folder, release: about.buildOptions.llamaCpp.release, packageVersion: version, variants };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { absent: `${PACKAGE} is not installed, which node-llama-cpp brings: ${why}` };
  }
}

export function variantLibrary({ folder }: Pick<PackageBuild, 'folder'>, variant: string): string {
  return join(folder, `libggml-cpu-${variant}.so`);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
