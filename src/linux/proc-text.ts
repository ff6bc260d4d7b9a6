/** Reads the texts of /proc as the tools do. */

/** `Key:   123 kB` lines, by key; the unit is left out. */
export function keyedNumbers(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').map((line) => /^([^:\s]+):?\s+(-?\d+)/.exec(line));
  return new Map(lines.filter((match) => match !== null).map(([, key, value]) => [key as string, Number(value)]));
}

/** A value that must be there: these files are our own. @throws RangeError when it is not */
export function numberOf(values: ReadonlyMap<string, number>, key: string): number {
  const value = values.get(key);
  if (value === undefined) throw new RangeError(`proc: there is no ${key}`);
  return value;
}
