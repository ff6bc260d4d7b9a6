/** Writes a string of pages as runs: `AAAA..` becomes `A*4 .*2`, a single character stands alone. */
export function runs(characters: string): string {
  return (characters.match(/(.)\1*/gs) ?? [])
    .map((run) => (run.length > 1 ? `${run[0]}*${run.length}` : run))
    .join(' ');
}
