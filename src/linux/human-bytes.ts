const SUFFIXES = ['B', 'K', 'M', 'G', 'T', 'P', 'E'];

/**
 * An amount as util-linux shows it (size_to_human_string): with one digit behind the point, unless that is 0.
 * `268431360` is `256M`, `1610612736` is `1.5G`.
 */
export function humanBytes(bytes: number): string {
  let unit = 0;
  while (unit + 1 < SUFFIXES.length && bytes >= 1024 ** (unit + 1)) unit++;
  const tenths = Math.round((bytes / 1024 ** unit) * 10);
  return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)}${SUFFIXES[unit]}`;
}
