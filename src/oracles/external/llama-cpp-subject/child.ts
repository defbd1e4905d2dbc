// The child process that llama.cpp runs in: reads requests from stdin, one line each, and answers in frames. An abort in
// there ends this process and no other. Everything is synchronous, since llama.cpp holds the thread anyway: a parent that
// reads slowly holds the run, and one that is gone ends it.
import { readSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { ChildFailure, ChildModel } from './child-model.ts';
import { ANSWERS_DESCRIPTOR, writeFrame } from './frames.ts';
import type { Answer, Request } from './messages.ts';

const REQUESTS_DESCRIPTOR = 0;

let model: ChildModel | null = null;

// It ends by being killed, which keeps nothing.
flushCompileCache();

for (const line of requestLines()) {
  try {
    handle(JSON.parse(line) as Request);
  } catch (error) {
    const is = error instanceof Error ? error.message : String(error);
    const failure = error instanceof ChildFailure ? error.failure : ({ why: 'run', is } as const);
    answer({ type: 'failed', failure });
    process.exit(1);
  }
}

function handle(request: Request): void {
  if (request.type === 'open') {
    model = new ChildModel(request);
    const { variant, commit } = model;
    answer({ type: 'opened', variant, commit, ...model.look() });
    answer({ type: 'done' });
    return;
  }
  if (model === null) throw new RangeError('no model is open');
  switch (request.type) {
    case 'session':
      model.openSession(request);
      return answer({ type: 'done' });
    case 'end-session':
      model.closeSession(request.session);
      return answer({ type: 'done' });
    case 'time':
      return answer({ type: 'done' }, model.time(request));
    case 'run': {
      const logits = model.run(request, (value, rows) => answer({ type: 'value', value }, rows));
      return answer({ type: 'done' }, logits);
    }
  }
}

function answer(head: Answer, { buffer, byteOffset, byteLength }: Float32Array = new Float32Array(0)): void {
  writeFrame(ANSWERS_DESCRIPTOR, head, new Uint8Array(buffer, byteOffset, byteLength));
}

/** Until stdin is closed. */
function* requestLines(): Generator<string, void> {
  const decoder = new TextDecoder();
  const block = new Uint8Array(64 * 1024);
  let text = '';
  for (;;) {
    const end = text.indexOf('\n');
    if (end !== -1) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
      continue;
    }
    const count = readSync(REQUESTS_DESCRIPTOR, block);
    if (count === 0) return;
    text += decoder.decode(block.subarray(0, count), { stream: true });
  }
}
