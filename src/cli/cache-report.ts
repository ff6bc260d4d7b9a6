/** What a replay of a cache trace prints for people: one table and one plot. */

import type { DiskTraffic } from '../program/cache/policy.ts';

export interface CacheRow {
  readonly policy: string;
  /** Objects. */
  readonly size: number;
  readonly misses: number;
  readonly missRatio: number;
  /** Of this policy with the decoding of the trace, as if it had been replayed alone. */
  readonly requestsPerSecond: number;
  /** What a cache in front of a disk did there. */
  readonly pages?: DiskTraffic;
}

const COLUMNS = ['policy', 'size', 'misses', 'miss ratio', 'requests/s'];
const BAR = 40;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** The table, one row a policy and size. */
export function cacheTable(rows: readonly CacheRow[]): string {
  const cells = rows.map((row) => [
    row.policy,
    grouped(row.size),
    grouped(row.misses),
    row.missRatio.toFixed(4),
    `${(row.requestsPerSecond / 1e6).toFixed(2)} M`,
  ]);
  const widths = COLUMNS.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i].length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [COLUMNS, ...cells].map((row) => `${line(row)}\n`).join('');
}

/** A line for each cache in front of a disk; '' when there is none. */
export function trafficText(rows: readonly CacheRow[]): string {
  const lines = rows.flatMap(({ policy, size, pages }) => {
    if (pages === undefined) return [];
    const { read, written, dirty, refaulted, activated } = pages;
    const back = `${grouped(refaulted)} came back after they were let go, ${grouped(activated)} of them soon`;
    const left = dirty > 0 ? ` and ${grouped(dirty)} still dirty` : '';
    return [`${policy}, ${grouped(size)} pages: ${grouped(read)} read, ${grouped(written)} written${left}; ${back}\n`];
  });
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}

/** Bars of the miss ratio, the policies of one size together, the best one on top. */
export function cachePlot(rows: readonly CacheRow[]): string {
  const width = Math.max(...rows.map((row) => row.policy.length));
  const sizes = [...new Set(rows.map((row) => row.size))];
  return sizes
    .map((size) => {
      const ofSize = rows.filter((row) => row.size === size).toSorted((a, b) => a.misses - b.misses);
      const bars = ofSize.map(
        (row) => `  ${row.policy.padEnd(width)} ${bar(row.missRatio)} ${row.missRatio.toFixed(4)}\n`,
      );
      return `miss ratio, ${grouped(size)} objects\n${bars.join('')}`;
    })
    .join('\n');
}

function bar(ratio: number): string {
  const eighths = Math.round(ratio * BAR * 8);
  const full = Math.floor(eighths / 8);
  return ('█'.repeat(full) + EIGHTHS[eighths % 8]).padEnd(BAR);
}

/** 981479 -> "981,479" */
export const grouped = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
