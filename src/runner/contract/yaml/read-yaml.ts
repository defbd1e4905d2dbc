// Text to tree with the `yaml` library (YAML 1.2, core schema), within limits: what is too large is not parsed at all,
// and an error of the library becomes a problem with its place. What the tree looks like is convert.ts's matter.
import { parseDocument, type Document } from 'yaml';
import { Conversion, Refusal, tooDeep } from './convert.ts';
import { MAX_FILE_BYTES, MAX_LINE_LENGTH, MAX_LINES, MAX_SYNTAX_ERRORS } from './limits.ts';
import type { YamlProblem, YamlReading } from './yaml-node.ts';

export function readYaml(source: string): YamlReading {
  const problem = refuse(source);
  if (problem !== undefined) return failed([problem]);
  let document: Document;
  try {
    document = parseDocument(source, {
      version: '1.2',
      schema: 'core',
      // Listed by our own conversion, with both places.
      uniqueKeys: false,
      prettyErrors: false,
      // Below 'error' the library would not mention further documents.
      logLevel: 'error',
    });
  } catch (error) {
    // The library recurses; nesting past its stack is nesting past ours.
    if (!(error instanceof RangeError)) throw error;
    return failed([tooDeep(0)]);
  }
  const exhausted = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  // How far the library came depends on the stack; the line does not.
  if (exhausted !== undefined) return failed([tooDeep(source.lastIndexOf('\n', exhausted.pos[0]) + 1)]);
  if (document.errors.length > 0) {
    const problems = document.errors.slice(0, MAX_SYNTAX_ERRORS).map((error) => ({
      code: 'PV-001' as const,
      message:
        error.code === 'MULTIPLE_DOCS'
          ? 'a second document begins here; a contract is one document: split the file'
          : `not readable as YAML: ${sentence(error.message)}`,
      start: error.pos[0],
    }));
    return failed(problems);
  }
  const declared = document.directives?.yaml;
  if (declared?.explicit === true && declared.version !== '1.2') {
    const message = `the file says that it is YAML ${declared.version}; contracts are read as YAML 1.2`;
    return failed([{ code: 'PV-001', message, start: source.indexOf('%YAML') }]);
  }
  if (document.contents === null) return failed([]);
  try {
    return new Conversion(document, source).read(document.contents);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return failed([error.problem]);
  }
}

function failed(problems: YamlProblem[]): YamlReading {
  return { duplicates: [], problems, aliasCount: 0 };
}

function sentence(message: string): string {
  return message.replace(/\s+/g, ' ').replace(/[.:]$/, '');
}

function refuse(source: string): YamlProblem | undefined {
  if (source.length > MAX_FILE_BYTES) return tooLarge(source.length);
  let lineCount = 1;
  let lineStart = 0;
  for (;;) {
    const lineEnd = source.indexOf('\n', lineStart);
    const lineLength = (lineEnd === -1 ? source.length : lineEnd) - lineStart;
    if (lineLength > MAX_LINE_LENGTH) {
      const message = `a line of ${lineLength} characters; at most ${MAX_LINE_LENGTH} are read`;
      return { code: 'PV-002', message, start: lineStart };
    }
    if (lineEnd === -1) return undefined;
    lineCount += 1;
    lineStart = lineEnd + 1;
    if (lineCount > MAX_LINES) {
      return { code: 'PV-002', message: `more than ${MAX_LINES} lines; split the file`, start: lineStart };
    }
  }
}

export function tooLarge(byteLength: number): YamlProblem {
  return { code: 'PV-002', message: `${byteLength} bytes; at most ${MAX_FILE_BYTES} are read`, start: 0 };
}
