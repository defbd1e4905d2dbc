// The parity gate, for the command line.
export { gateTokens } from './gate-tokens.ts';
export { gateRefusal, keptGate, type GateStore, type KeptGateReport } from './kept-gate.ts';
