// Recordings of runs in any of their forms, and which of them vouch for a program: without the rest of diagnosis.
export { isRecording, namesOfProgram, namesOfRecording, openRecording } from './open-recording.ts';
export { nameReport, type NameReport } from './name-report.ts';
export { openPack, producerOf, type Pack } from './open-pack.ts';
export type { Recording } from './recording.ts';
export { parseStageMap, readMaps } from './read-map.ts';
export { inRows } from './rotary-rows.ts';
export { findVouchers, isSameProgram, type Vouchers } from './vouchers.ts';
