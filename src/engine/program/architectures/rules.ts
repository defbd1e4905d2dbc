// What an architecture fixes and no file states. Types only.
import type { ModelConfig } from '../config.ts';
import type { Program, RopePairing } from '../program.ts';

export interface ArchitectureRules {
  ropePairing: RopePairing;
  qkvBias: 'always' | 'where-present';
  /** True where a rotary dimension below the head dimension is refused. */
  rotatesWholeHead: boolean;
  compile(config: ModelConfig): Program;
}
