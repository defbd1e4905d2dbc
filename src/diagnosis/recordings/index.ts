// Recordings of runs in any of their forms, and which of them vouch for a program: without the rest of diagnosis.
export { isRecording, openRecording } from './open-recording.ts';
export { openPack, producerOf, type Pack } from './open-pack.ts';
export type { Recording } from './recording.ts';
export { parseStageMap, readStageMap } from './stage-map.ts';
export { findVouchers, isSameProgram, type Vouchers } from './vouchers.ts';
