// The names under which one thing may stand in a contract: ours first, then the original's aliases.

export const OBLIGATION_PROPERTY = ['property', 'statement'] as const;
export const OBLIGATION_FORMAL = ['formal', 'verification'] as const;
export const TEST_RULE = ['rule', 'description'] as const;
export const TEST_PREDICTION = ['prediction', 'expected'] as const;
export const TEST_COMMAND = ['test', 'command'] as const;
export const TEST_IF_FAILS = ['if_fails', 'fails_if'] as const;
export const TEST_OBLIGATION = ['obligation', 'obligations', 'covers'] as const;
export const DISCHARGE_EVIDENCE = ['discharge_evidence', 'discharged_evidence', 'evidence_discharged_by'] as const;
export const TEST_STATUS = ['status', 'discharge_status'] as const;

/** Keys of a falsification test that say it is meant to be run here, not only read. */
export const BINDING_KEYS = [
  'bar',
  'faults',
  'falsifier',
  'run',
  'executors',
  'required_level',
  'outside_oracle',
] as const;
