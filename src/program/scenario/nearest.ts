/**
 * The name that somebody probably meant.
 *
 * @returns the one of `names` with the fewest typing errors, or undefined when even that is too far away
 */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - word.length) >= fewest) continue;
    const errors = typingErrors(word, name);
    if (errors < fewest) {
      best = name;
      fewest = errors;
    }
  }
  return best;
}

/** `; did you mean "touch"?` for "tuch", or nothing. */
export function suggestion(word: string, names: Iterable<string>): string {
  const meant = nearest(word, names);
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}

/** Characters to insert, delete, replace or swap with their neighbour to get from one word to the other. */
function typingErrors(a: string, b: string): number {
  const table: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => (table[i] as number[])[j] as number;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    table.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.length, b.length);
}
