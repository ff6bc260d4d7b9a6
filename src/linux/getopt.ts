import { UsageError } from './command.ts';

/** What getopt_long(3) is told of an option. */
export interface OptionSpec {
  readonly short?: string;
  readonly long?: string;
  /** Whether a value follows; 'optional' only in the same word. */
  readonly value?: 'required' | 'optional';
}

export interface Options<Name extends string> {
  /** Given options; those without value are ''. The last of the same wins. */
  readonly given: ReadonlyMap<Name, string>;
  readonly operands: readonly string[];
}

/**
 * Reads a command's arguments as getopt_long does: clusters (`-wh`), values in the same or the next word, long options
 * that may be shortened, options behind operands, `--`.
 * @throws UsageError with the C library's own words
 */
export function getopt<Name extends string>(
  command: string,
  args: readonly string[],
  specs: Readonly<Record<Name, OptionSpec>>,
): Options<Name> {
  const given = new Map<Name, string>();
  const operands: string[] = [];
  const entries = Object.entries<OptionSpec>(specs) as [Name, OptionSpec][];
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      operands.push(...words.splice(0));
    } else if (word.startsWith('--')) {
      const [typed = '', inline] = splitOnce(word.slice(2));
      const [name, spec] = longOption(command, entries, typed);
      given.set(
        name,
        takeValue(spec, inline, words, () => `option '--${spec.long}' requires an argument`, command),
      );
    } else if (word.startsWith('-') && word !== '-') {
      for (let rest = word.slice(1); rest !== ''; ) {
        const letter = rest.charAt(0);
        rest = rest.slice(1);
        const found = entries.find(([, { short }]) => short === letter);
        if (found === undefined) throw new UsageError(`${command}: invalid option -- '${letter}'\n`);
        const [name, spec] = found;
        const inline = spec.value === undefined || rest === '' ? undefined : rest;
        given.set(
          name,
          takeValue(spec, inline, words, () => `option requires an argument -- '${letter}'`, command),
        );
        if (spec.value !== undefined) rest = '';
      }
    } else {
      operands.push(word);
    }
  }
  return { given, operands };
}

function splitOnce(text: string): [string, string | undefined] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

function longOption<Name>(command: string, entries: readonly [Name, OptionSpec][], typed: string): [Name, OptionSpec] {
  const exact = entries.find(([, { long }]) => long === typed);
  if (exact !== undefined) return exact;
  const [only, second] = entries.filter(([, { long }]) => long?.startsWith(typed));
  if (only === undefined) throw new UsageError(`${command}: unrecognized option '--${typed}'\n`);
  if (second !== undefined) throw new UsageError(`${command}: option '--${typed}' is ambiguous\n`);
  return only;
}

function takeValue(
  spec: OptionSpec,
  inline: string | undefined,
  words: string[],
  missing: () => string,
  command: string,
): string {
  if (inline !== undefined || spec.value !== 'required') return inline ?? '';
  const next = words.shift();
  if (next === undefined) throw new UsageError(`${command}: ${missing()}\n`);
  return next;
}
