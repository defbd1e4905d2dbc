// Comparing engines: ours with another, in process, over HTTP, as a command or as a pack.
export { compareWithCpu, withCheck, type CpuParityReport, type CpuParityWord } from './against-cpu.ts';
export { compareEngines, type ParityReport } from './compare-engines.ts';
export type { PositionParity } from './compare.ts';
export { logitsOf } from './distributions.ts';
export { openCommand, openEndpoint, openLlamaCpp, type OutsideEngine } from './outside-engine.ts';
export { openPackEngine } from './pack-engine.ts';
export type { ParityWord } from './parity-verdict.ts';
export { profileNamed } from '../reference/profiles.ts';
