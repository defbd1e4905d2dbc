// Text to tree, within limits. Ordinary files take the fast reader; whatever it does not recognise, errors included,
// goes to the full one.
import { MAX_FILE_BYTES, MAX_LINE_LENGTH, MAX_LINES } from './limits.ts';
import { readYamlQuickly } from './yaml-fast.ts';
import { readYamlFully } from './yaml-full.ts';
import type { YamlProblem, YamlReading } from './yaml-node.ts';

export function readYaml(source: string): YamlReading {
  const problem = refuse(source);
  if (problem !== undefined) return { duplicates: [], problems: [problem], aliasCount: 0 };
  return readYamlQuickly(source) ?? readYamlFully(source);
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
