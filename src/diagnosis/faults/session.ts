// Faults of a session of the CPU executor: its key-value cache, its bookkeeping of chunks, memories and taps. They are
// changes to its source, because no program or weight can express them.
import { sourceVariant, type Fault } from './fault.ts';

export const SESSION_FAULTS: readonly Fault[] = [
  {
    id: 'C1',
    title: 'keys and values written to a neighbouring position',
    bugClass: 'KV_CACHE_FAILURE',
    firstStage: 'attention',
    needs: 'a step of one token after position 0',
    gross: sourceVariant(
      'in steps of one token the key lands one position early',
      'src/engine/cpu/bind-op.ts',
      'append(keys, k + kvAt, position, count,',
      'append(keys, k + kvAt, count === 1 && position > 0 ? position - 1 : position, count,',
    ),
    small: sourceVariant(
      'in a step of one token at position 2 the value lands one position early',
      'src/engine/cpu/bind-op.ts',
      'append(values, v + kvAt, position, count,',
      'append(values, v + kvAt, count === 1 && position === 2 ? 1 : position, count,',
    ),
  },
  {
    id: 'C4',
    title: 'rotary angles of an earlier chunk',
    bugClass: 'KV_CACHE_FAILURE',
    firstStage: 'q_post_rope',
    needs: 'a prompt of more than one chunk',
    gross: sourceVariant(
      'every chunk is rotated by the angles of the first',
      'src/engine/cpu/cpu-session.ts',
      'workspace.fillRopeTables(count);',
      'if (first === 0) workspace.fillRopeTables(count);',
    ),
    small: sourceVariant(
      'a chunk of one position is rotated by the angle of the chunk before',
      'src/engine/cpu/cpu-session.ts',
      'workspace.fillRopeTables(count);',
      'if (first === 0 || count > 1) workspace.fillRopeTables(count);',
    ),
  },
  {
    id: 'C9',
    title: 'truncating a session keeps positions or loses too many',
    bugClass: 'KV_CACHE_FAILURE',
    firstStage: 'attention',
    needs: 'a session that is truncated and goes on',
    gross: sourceVariant(
      'truncation is ignored',
      'src/engine/program/session-guard.ts',
      'this.#positionCount = positionCount;',
      'void positionCount;',
    ),
    small: sourceVariant(
      'truncating to more than two positions loses one more',
      'src/engine/program/session-guard.ts',
      'this.#positionCount = positionCount;',
      'this.#positionCount = positionCount > 2 ? positionCount - 1 : positionCount;',
    ),
  },
  {
    id: 'B1',
    title: 'values lost between the memories that a model is spread over',
    bugClass: 'PATH_DIVERGENCE',
    firstStage: 'attn_norm',
    needs: 'a model in more than one memory',
    gross: sourceVariant(
      'nothing is copied',
      'src/engine/cpu/workspace.ts',
      'const byteLength = rowCount * rowBytes;',
      'const byteLength = 0 * rowCount * rowBytes;',
    ),
    small: sourceVariant(
      'the last row of several is not copied',
      'src/engine/cpu/workspace.ts',
      'const byteLength = rowCount * rowBytes;',
      'const byteLength = Math.max(1, rowCount - 1) * rowBytes;',
    ),
  },
  {
    id: 'D1',
    title: 'the traced path is not the production path',
    bugClass: 'PATH_DIVERGENCE',
    firstStage: 'attention',
    needs: 'an open tap',
    gross: sourceVariant(
      'with a tap open the cache is filled only where the logits need it',
      'src/engine/program/needed-rows.ts',
      "op.op === 'attention' ? 'all'",
      "op.op === 'attention' && tapped === undefined ? 'all'",
    ),
    small: sourceVariant(
      'with a tap open the first logit of a run is one unit in the last place off',
      'src/engine/cpu/cpu-session.ts',
      'return result;',
      'if (tap !== undefined) new Int32Array(result.buffer)[0]! ^= 1;\n    return result;',
    ),
  },
  {
    id: 'G11',
    title: 'results vary from run to run',
    bugClass: 'NONDETERMINISM',
    firstStage: 'q_post_rope',
    needs: 'two runs',
    gross: sourceVariant(
      'angles tremble',
      'src/engine/program/rope-table.ts',
      'const angle = (firstPosition + row) * frequency;',
      'const angle = (firstPosition + row) * frequency * (1 + Math.random() * 1e-4);',
    ),
    small: sourceVariant(
      'the angles of one position in a hundred tremble by a millionth',
      'src/engine/program/rope-table.ts',
      'const angle = (firstPosition + row) * frequency;',
      'const angle = (firstPosition + row) * frequency * (1 + (Math.random() < 0.01 ? 1e-6 : 0));',
    ),
  },
];
