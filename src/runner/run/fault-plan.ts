// What `fault-preload.ts` finds in the file that REFUTE_FAULT names. Types and the variable's name only.

export const FAULT_VARIABLE = 'REFUTE_FAULT';

export interface FaultPlan {
  /** Replaced while the module or shader `url` is being read; `find` was seen to occur exactly once. */
  patches: { url: string; find: string; replace: string }[];
  /** The engine's openModel module is wrapped so that every model passes the fault's transform. */
  model: { openModelUrl: string; falsifierUrl: string; claim: string; fault: string } | null;
  /** One line is appended per patch or transform that really took place. */
  log: string;
}
