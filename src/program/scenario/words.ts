import { type AddressExpression, parseAddress } from './address-expression.ts';
import { suggestion } from './nearest.ts';
import { quoted } from './quoted.ts';
import { type Place, ScenarioError } from './scenario-error.ts';
import { parseSize } from './size.ts';
import { parseUsage } from './usage.ts';

/** Calls of one operation at most: some minutes. */
const MOST_TIMES = 1e8;

/** The words of one line behind the operation's name, sorted into operands, options and flags by its usage. */
export class Words {
  readonly place: Place;
  readonly operation: string;
  readonly #usage: string;
  readonly #operands: string[] = [];
  readonly #options = new Map<string, string>();
  readonly #flags = new Set<string>();
  /** Names of regions that the operation speaks of; the parser checks that they exist. */
  readonly regions: string[] = [];

  /** @throws {ScenarioError} an unknown option, an operand too many, or one that is missing */
  constructor(place: Place, usage: string, words: readonly string[]) {
    this.place = place;
    this.#usage = usage;
    this.operation = usage.split(' ', 1)[0] as string;
    const syntax = parseUsage(usage);
    for (const word of words) {
      const equals = word.indexOf('=');
      const key = word.slice(0, equals);
      if (syntax.flags.has(word)) this.#flags.add(word);
      else if (equals > 0 && syntax.options.has(key)) this.#options.set(key, word.slice(equals + 1));
      else if (equals > 0 && /^[a-z]+$/.test(key)) {
        this.fail(
          `${this.operation} has no option ${quoted(`${key}=`)}${suggestion(key, syntax.options)}; usage: ${usage}`,
        );
      } else if (this.#operands.length >= syntax.operands.length && !syntax.repeats) {
        this.fail(
          `${this.operation} does not expect ${quoted(word)}${suggestion(word, syntax.flags)}; usage: ${usage}`,
        );
      } else this.#operands.push(word);
    }
    const missing = syntax.operands[this.#operands.length];
    if (missing !== undefined && !missing.optional) this.fail(`${missing.name} is missing; usage: ${usage}`);
    for (const option of syntax.required) {
      if (!this.#options.has(option)) this.fail(`${option}= is missing; usage: ${usage}`);
    }
  }

  fail(message: string): never {
    throw new ScenarioError(this.place, message);
  }

  /** An operand that the usage demands. */
  operand(index: number): string {
    return this.#operands[index] ?? this.fail(`an operand is missing; usage: ${this.#usage}`);
  }

  optional(index: number): string | undefined {
    return this.#operands[index];
  }

  /** All operands from `index` on. */
  operandsFrom(index: number): readonly string[] {
    return this.#operands.slice(index);
  }

  has(flag: string): boolean {
    return this.#flags.has(flag);
  }

  option(name: string): string | undefined {
    return this.#options.get(name);
  }

  /** A size in bytes, or a plain number. */
  number(text: string): number {
    return parseSize(text) ?? this.fail(`${quoted(text)} is no number (examples: 8, -1, 0x1000, 3p, 64K, 1G)`);
  }

  /** The option's value in bytes, or undefined when it is not given. */
  size(option: string): number | undefined {
    const text = this.#options.get(option);
    return text === undefined ? undefined : this.number(text);
  }

  /** How often something is done, once when it is not given. @throws {ScenarioError} more often than anybody waits for */
  times(option: string): number {
    const times = this.size(option) ?? 1;
    if (times > MOST_TIMES) this.fail(`${option}=${times} is too often; at most ${MOST_TIMES} times are possible`);
    return times;
  }

  address(text: string): AddressExpression {
    const expression = parseAddress(text);
    if (typeof expression === 'string') this.fail(expression);
    if (expression.name !== undefined) this.regions.push(expression.name);
    return expression;
  }

  /** One of several names, translated. */
  choice<T>(text: string, names: ReadonlyMap<string, T>, what: string): T {
    const value = names.get(text);
    if (value !== undefined) return value;
    const known = [...names.keys()];
    return this.fail(
      `unknown ${what} ${quoted(text)}${suggestion(text, known) || `; expected one of ${known.join(', ')}`}`,
    );
  }

  /** A list like `private,anon` as the sum of its bits; 0 when it is not given. */
  bits(text: string | undefined, names: ReadonlyMap<string, number>, what: string): number {
    if (text === undefined || text === '') return 0;
    return text.split(/[,|]/).reduce((bits, name) => bits | this.choice(name, names, what), 0);
  }
}
