import { suggestion } from '../program/scenario/nearest.ts';
import { quoted } from '../program/scenario/quoted.ts';
import { UserError } from './user-error.ts';

/** What an option takes: nothing, one value, or one value each time that it is given. */
export type OptionKind = 'flag' | 'value' | 'values';
export type OptionTable = Readonly<Record<string, OptionKind>>;

/** A command line, taken apart. */
export class Arguments {
  readonly flags: Set<string> = new Set();
  readonly operands: string[] = [];
  /** How many of the operands stood behind `--`. */
  behindDashes = 0;
  readonly #values = new Map<string, string[]>();

  has(flag: string): boolean {
    return this.flags.has(flag);
  }

  /** The value of an option, or undefined when it was not given. */
  value(option: string): string | undefined {
    return this.#values.get(option)?.at(-1);
  }

  values(option: string): readonly string[] {
    return this.#values.get(option) ?? [];
  }

  add(option: string, value: string): void {
    const values = this.#values.get(option) ?? [];
    values.push(value);
    this.#values.set(option, values);
  }
}

/** A short option and the long one that it stands for. */
const SHORT: Readonly<Record<string, string>> = { '-o': '--output', '-h': '--help', '-c': '--command' };

/**
 * Takes a command line apart: `--name value`, `--name=value`, `--flag`, and operands, as which all counts that
 * follows `--`.
 *
 * @param options the options that this command knows, without their dashes
 * @throws {UserError} an unknown option, a value that is missing or too much
 */
export function parseArguments(args: readonly string[], options: OptionTable): Arguments {
  const parsed = new Arguments();
  const dashed = Object.keys(options).map((name) => `--${name}`);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      parsed.behindDashes = args.length - i - 1;
      parsed.operands.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      parsed.operands.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const given = equals < 0 ? arg : arg.slice(0, equals);
    const name = (SHORT[given] ?? given).replace(/^--/, '');
    const kind = options[name];
    if (kind === undefined) throw new UserError(`unknown option ${quoted(given)}${suggestion(given, dashed)}`);
    if (kind === 'flag') {
      if (equals >= 0) throw new UserError(`option --${name} takes no value`);
      parsed.flags.add(name);
      continue;
    }
    const value = equals < 0 ? args[++i] : arg.slice(equals + 1);
    if (value === undefined) throw new UserError(`option --${name} needs a value`);
    if (kind === 'value' && parsed.value(name) !== undefined) throw new UserError(`option --${name} is given twice`);
    parsed.add(name, value);
  }
  return parsed;
}
