// What `apr bench` measures of the CPU engine beside whole runs. An entrance of its own: a claim about any other command must
// not hang on this engine.
export { OpProfiler, type OpTime } from './profile-ops.ts';
export { measureReadBandwidth } from './read-bandwidth.ts';
