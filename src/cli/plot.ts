/** Small plots for a terminal, of Unicode's eighth blocks. */

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const EIGHTHS = 8;

/**
 * Values along a place as `columns` values, evenly spaced: each the last sample at or before its place.
 * @param at places in rising order, as long as `values`
 */
export function resample(at: readonly number[], values: readonly number[], columns: number): number[] {
  const first = at[0] ?? 0;
  const span = (at.at(-1) ?? 0) - first;
  let sample = 0;
  return Array.from({ length: columns }, (_, column) => {
    const place = first + (span * (column + 1)) / columns;
    while (sample + 1 < at.length && (at[sample + 1] as number) <= place) sample++;
    return values[sample] ?? 0;
  });
}

/** One line: a block a value, the largest a full one. */
export function sparkline(values: readonly number[], top: number = Math.max(...values, 1)): string {
  return values.map((value) => BLOCKS[Math.round((value / top) * EIGHTHS)] ?? '█').join('');
}

/** `rows` lines of bars, the highest value's reaching the top. */
export function barPlot(values: readonly number[], rows: number): string[] {
  const top = Math.max(...values, 1);
  const heights = values.map((value) => Math.round((value / top) * rows * EIGHTHS));
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * EIGHTHS;
    return heights.map((height) => BLOCKS[Math.min(EIGHTHS, Math.max(0, height - below))]).join('');
  });
}
