// What one module's text refers to, read without running it: imports (static, and dynamic with a literal), and files
// named by `new URL('./x', import.meta.url)`. Blind to computed names; architecture.test.ts keeps those out of src/.
import { stripTypeScriptTypes } from 'node:module';
import { init, parse } from 'es-module-lexer';

export interface ModuleReferences {
  /** Specifiers as written; `import type` is gone, as it is at run time. */
  imports: string[];
  /** Those of `imports` that are loaded when the code gets there: `import('./x')`. */
  lazy: string[];
  /** The relative names in `new URL(…, import.meta.url)`. */
  urls: string[];
}

const OWN_URL = /new\s+URL\(\s*(['"])(\.{1,2}\/[^'"]+)\1\s*,\s*import\.meta\.url\s*,?\s*\)/g;

/** How the lexer marks `import.meta`. */
const IMPORT_META = -2;

/** Text that is not a module (a syntax error) refers to nothing; it cannot run either. */
export async function moduleReferences(source: string, isTypeScript: boolean): Promise<ModuleReferences> {
  await init;
  try {
    const code = isTypeScript ? strip(source) : source;
    const [imports] = parse(code);
    // The lexer knows comments from code; the pattern does not.
    const metas = imports.filter(({ d }) => d === IMPORT_META).map(({ s: start }) => start);
    const urls = [...code.matchAll(OWN_URL)].filter(({ 0: { length }, index }) =>
      metas.some((start) => index < start && start < index + length),
    );
    return {
      imports: imports.flatMap(({ n: specifier }) => (specifier === undefined ? [] : [specifier])),
      lazy: imports.flatMap(({ n: specifier, d: at }) => (specifier === undefined || at < 0 ? [] : [specifier])),
      urls: urls.map((match) => match[2] ?? ''),
    };
  } catch {
    return { imports: [], lazy: [], urls: [] };
  }
}

/** AssemblyScript's relative imports. A name in a comment counts too: it can only pin too much. */
export function assemblyReferences(source: string): string[] {
  return [...source.matchAll(/(?:from|import)\s*(['"])(\.{1,2}\/[^'"]+)\1/g)].map((match) => `${match[2]}.ts`);
}

/** Without Node's warning, once per process, that stripping types is experimental. */
function strip(source: string): string {
  const emit = Reflect.get(process, 'emitWarning') as typeof process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source, { mode: 'strip' });
  } finally {
    process.emitWarning = emit;
  }
}
