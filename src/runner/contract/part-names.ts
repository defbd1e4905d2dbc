// The parts of a falsifier in the order in which they run and are shown.
export type PartName = 'generated' | 'live' | 'oracle';

export const PART_NAMES: readonly PartName[] = ['generated', 'live', 'oracle'];
