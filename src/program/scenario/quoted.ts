/** Characters of a word that a message repeats. */
const MOST = 60;

/**
 * A word of the user's in a message, in quotation marks: what cannot be printed as \\u{..}, and of a long one its beginning and
 * how long it is.
 */
export function quoted(word: string): string {
  const shown = word.slice(0, MOST).replace(/[^\P{C}]/gu, (c) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`);
  return word.length <= MOST ? `"${shown}"` : `"${shown}..." (${word.length} characters)`;
}
