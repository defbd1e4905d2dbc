// Tells transposed bytes under a right shape, which no check of dimensions can see. In a trained embedding each
// channel has a mean of its own, shared by all tokens, while a token's mean over its channels is near zero; read
// transposed, a row is a stretch of one channel, so it is the rows whose means differ.
//
// Measured, F of channels and F of rows: three trained models (stories260K, a 2.4M Qwen2, SmolLM2-135M) 41–76 and
// 0.3; the same with their bytes transposed 0.2–0.9 and 53–194; random numbers near 1 and near 1, hence no verdict.

/** Below this many rows or channels the ratios say nothing. */
const MIN_EXTENT = 16;
/** Between the measured groups, well away from both. */
const MIN_ROW_F = 10;
const MAX_CHANNEL_F = 3;

export interface LayoutFault {
  rowF: number;
  channelF: number;
}

/**
 * One-way analyses of variance of a sample of rows, by row and by channel: F = variance between the groups' means,
 * times the group's size, over the variance within groups.
 *
 * @param rows equally long stretches of rows, channel 0 first
 * @returns null where the layout looks right or nothing can be said
 */
export function findLayoutFault(rows: readonly Float32Array[]): LayoutFault | null {
  const channelCount = rows[0]?.length ?? 0;
  if (rows.length < MIN_EXTENT || channelCount < MIN_EXTENT) return null;
  const channels = Array.from({ length: channelCount }, (_, channel) =>
    Float32Array.from(rows, (row) => row[channel] ?? Number.NaN),
  );
  const rowF = varianceRatio(rows);
  const channelF = varianceRatio(channels);
  return rowF > MIN_ROW_F && channelF < MAX_CHANNEL_F ? { rowF, channelF } : null;
}

/** F of groups of one size; NaN where nothing varies within them. */
function varianceRatio(groups: readonly Float32Array[]): number {
  const size = groups[0]?.length ?? 0;
  const means = groups.map((group) => group.reduce((sum, value) => sum + value, 0) / size);
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  let between = 0;
  let within = 0;
  for (const [i, group] of groups.entries()) {
    const own = means[i] ?? 0;
    between += size * (own - mean) ** 2;
    for (const value of group) within += (value - own) ** 2;
  }
  return between / (groups.length - 1) / (within / (groups.length * (size - 1)));
}
