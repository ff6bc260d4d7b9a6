import { FIXED_PLACES, OWN_REGIONS } from './address-expression.ts';
import { suggestion } from './nearest.ts';
import { quoted } from './quoted.ts';
import type { Words } from './words.ts';

/** The region that `mmaploop` leaves behind. */
const LOOP_REGION = 'last';

/**
 * Which processes and regions the lines so far have named: a name is checked where it is read, before anything runs.
 * A region counts from the line that would map it, whether or not that will succeed.
 */
export class KnownNames {
  readonly #regions = new Map<string, Set<string>>();

  /** Names of all processes that were spawned or forked. */
  get processes(): Iterable<string> {
    return this.#regions.keys();
  }

  has(process: string): boolean {
    return this.#regions.has(process);
  }

  spawn(process: string): void {
    this.#regions.set(process, new Set());
  }

  /** Notes what a line of a process names, and checks the regions that it uses. @throws {ScenarioError} */
  note(process: string, words: Words): void {
    const own = this.#regions.get(process) ?? new Set<string>();
    for (const region of words.regions) this.#check(process, own, region, words);
    const first = words.operation === 'fork' || words.operation === 'mmap' ? words.operand(0) : '';
    if (words.operation === 'mmap') own.add(first);
    if (words.operation === 'mmaploop') own.add(LOOP_REGION);
    if (words.operation === 'mremap') own.add(words.option('name') ?? (words.operand(0).split(/[+-]/)[0] as string));
    if (words.operation === 'fork') {
      if (first === process) words.fail(`a child needs another name than its parent's "${process}"`);
      this.#regions.set(first, new Set(own));
    }
  }

  #check(process: string, own: ReadonlySet<string>, region: string, words: Words): void {
    if (own.has(region) || OWN_REGIONS.has(region) || FIXED_PLACES.has(region)) return;
    const all = [...own, ...OWN_REGIONS, ...FIXED_PLACES.keys()];
    const known = own.size === 0 ? 'none was mapped yet' : `it has ${[...own].join(', ')}`;
    words.fail(`${process} has no region ${quoted(region)}${suggestion(region, all) || ` (${known})`}`);
  }
}
