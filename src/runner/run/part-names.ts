// The parts of a falsifier in the order in which they run and are shown.
import type { PartName } from '../falsifier.ts';

export const PART_NAMES: readonly PartName[] = ['generated', 'live', 'oracle'];
