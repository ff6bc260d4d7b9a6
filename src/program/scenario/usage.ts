/**
 * The syntax of an operation, read from its usage line, so that what the help shows is what the parser accepts:
 *
 *     touch A [MODE] len= [each=] [nodrain]
 *
 * A capital word is an operand, `name=` an option, a small word a flag; brackets make them optional (flags always
 * are), `...` behind the last operand lets it repeat.
 */
export interface Syntax {
  readonly operands: readonly { readonly name: string; readonly optional: boolean }[];
  /** The last operand may repeat. */
  readonly repeats: boolean;
  readonly options: ReadonlySet<string>;
  readonly required: readonly string[];
  readonly flags: ReadonlySet<string>;
}

export function parseUsage(usage: string): Syntax {
  const operands: { name: string; optional: boolean }[] = [];
  const options = new Set<string>();
  const required: string[] = [];
  const flags = new Set<string>();
  let repeats = false;
  for (const word of usage.split(' ').slice(1)) {
    const optional = word.startsWith('[');
    const bare = word.replaceAll(/[[\]]/g, '');
    if (bare.endsWith('=')) {
      options.add(bare.slice(0, -1));
      if (!optional) required.push(bare.slice(0, -1));
    } else if (/^[A-Z]/.test(bare)) {
      repeats ||= bare.endsWith('...');
      operands.push({ name: bare.replace('...', ''), optional });
    } else {
      flags.add(bare);
    }
  }
  return { operands, repeats, options, required, flags };
}
