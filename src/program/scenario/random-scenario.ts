/**
 * Scenarios made by chance, the same for the same seed: a few processes map, touch, advise, fork and look at what came of
 * it. The kernel beneath and the model must agree on them as on any other (`faultline conform --host --random`), and on
 * the model alone they must leave every invariant whole.
 */
import { Chance } from './chance.ts';

const FILES = ['f', 'g'];
const ADVICE = [
  ...['dontneed', 'dontneed', 'free', 'willneed', 'cold', 'random', 'sequential', 'normal', 'nohugepage'],
  ...['dontfork', 'dofork', 'wipeonfork', 'keeponfork', 'populate_read', 'populate_write', 'guard_install'],
  ...['guard_remove', 'remove', 'dontneed_locked', 'mergeable', 'dontdump', 'dodump'],
];

/** A process as the generator remembers it: regions with their pages, and open files. */
interface Actor {
  readonly name: string;
  readonly regions: Map<string, number>;
  readonly files: readonly string[];
}

/** A region or a part of it, as `r+2p` and `len=3p`. */
interface Part {
  readonly region: string;
  readonly at: string;
  /** ` len=3p`, or nothing for the whole region. */
  readonly length: string;
}

class Generator {
  readonly #chance: Chance;
  readonly #actors: Actor[] = [];
  readonly lines: string[] = [];
  #names = 0;

  constructor(seed: number, withFiles: boolean) {
    this.#chance = new Chance(seed);
    const files = withFiles ? FILES : [];
    if (withFiles) this.lines.push(`# dir: ${this.#chance.of(['ext4-small', 'ext4'])}`);
    for (const file of files) {
      this.lines.push(`file ${file} size=${this.#chance.of([3, 16, 40, 64])}p${this.#chance.of(['', '', ' cached'])}`);
    }
    this.lines.push('spawn A', ...files.map((file) => `A open ${file} ${file}`));
    this.#actors.push({ name: 'A', regions: new Map(), files });
  }

  /** Adds one line; the odds of each kind are its share of the table. */
  step(): void {
    const actor = this.#chance.of(this.#actors);
    if (actor.regions.size === 0 || this.#chance.below(6) === 0) {
      this.#mmap(actor);
      return;
    }
    const kinds = [
      ...Array(7).fill(() => this.#touch(actor)),
      ...Array(3).fill(() => this.#onPart(actor, 'madvise', ` ${this.#chance.of(ADVICE)}`)),
      ...Array(2).fill(() =>
        this.#onPart(actor, 'mprotect', '', ` prot=${this.#chance.of(['r', 'rw', 'rw', 'none', 'rwx'])}`),
      ),
      ...Array(2).fill(() => this.#onPart(actor, 'munmap')),
      ...Array(2).fill(() => this.#mremap(actor)),
      ...Array(2).fill(() => this.#look(actor)),
      () => this.#onPart(actor, this.#chance.of(['mlock', 'munlock', 'mlock2'])),
      () => this.#onPart(actor, 'msync', '', ` flags=${this.#chance.of(['sync', 'async', 'sync,invalidate'])}`),
      () => this.#onPart(actor, 'mincore'),
      () => this.#onPart(actor, 'fill', '', ` seed=${this.#chance.below(9) + 1}`),
      () => this.#onPart(actor, 'sum'),
      () => this.#say(actor, `mlockall ${this.#chance.of(['current', 'future', 'current,onfault'])}`),
      () => this.#say(actor, this.#chance.of(['munlockall', 'brk 16K', 'brk 64K', 'brk -8K', 'brk 100'])),
      () => this.#fork(actor),
      ...(actor.files.length > 0 ? Array(3).fill(() => this.#fileCall(actor)) : []),
    ];
    this.#chance.of(kinds)();
  }

  /** The last lines: everything that can be seen of every process. */
  finish(): void {
    for (const { name, regions } of this.#actors)
      this.lines.push(`${name} stat ${[...regions.keys()].join(' ')}`.trim());
  }

  #say(actor: Actor, what: string): void {
    this.lines.push(`${actor.name} ${what}`);
  }

  #part(actor: Actor): Part {
    const [region, pages] = this.#chance.of([...actor.regions]);
    if (this.#chance.below(2) === 0) return { region, at: region, length: '' };
    const first = this.#chance.below(pages);
    const beyond = this.#chance.below(20) === 0 ? 3 : 0;
    const length = ` len=${this.#chance.below(pages - first) + 1 + beyond}p`;
    return { region, at: first === 0 ? region : `${region}+${first}p`, length };
  }

  #onPart(actor: Actor, operation: string, operand = '', options = ''): void {
    const { at, length } = this.#part(actor);
    this.#say(actor, `${operation} ${at}${operand}${length}${options}`);
  }

  #touch(actor: Actor): void {
    const order = this.#chance.of(['', '', ' order=rev', ' order=rand:5']);
    this.#onPart(actor, 'touch', ` ${this.#chance.of(['r', 'r', 'w', 'w', 'rw', 'rmw'])}`, ` each=1${order}`);
  }

  #look(actor: Actor): void {
    const all = [...actor.regions.keys()].join(' ');
    this.#say(actor, this.#chance.of([`stat ${all}`, `pages ${all}`, 'maps']));
  }

  #mmap(actor: Actor): void {
    const pages = this.#chance.of([1, 2, 4, 8, 16, 33, 64]);
    const ofFile = actor.files.length > 0 && this.#chance.below(2) === 0;
    const kinds = ofFile ? ['private', 'shared'] : ['private', 'private', 'shared', 'private,noreserve'];
    const flags = [this.#chance.of(kinds), ...(ofFile ? [] : ['anon'])];
    flags.push(...this.#chance.of([[], [], [], ['populate'], ['locked']]));
    let where = '';
    if (actor.regions.size > 0 && this.#chance.below(4) === 0) {
      where = ` at=${this.#part(actor).at}`;
      flags.push(...this.#chance.of([[], ['fixed'], ['fixed']]));
    }
    const source = ofFile ? ` fd=${this.#chance.of(actor.files)} off=${this.#chance.of([0, 0, 1, 8])}p` : '';
    const prot = this.#chance.of(['', '', '', ' prot=r', ' prot=none', ' prot=rwx', ' prot=w']);
    const name = `r${++this.#names}`;
    this.#say(actor, `mmap ${name} len=${pages}p flags=${flags.join(',')}${prot}${source}${where}`);
    actor.regions.set(name, pages);
  }

  #mremap(actor: Actor): void {
    const { region, at, length } = this.#part(actor);
    const pages = this.#chance.of([1, 2, 4, 8, 16, 40]);
    const how = this.#chance.of(['', ' flags=maymove', ' flags=maymove', ' flags=maymove,dontunmap']);
    this.#say(actor, `mremap ${at} new=${pages}p${length.replace('len', 'old')}${how}`);
    actor.regions.set(region, pages);
  }

  #fork(actor: Actor): void {
    if (this.#actors.length >= 4) return;
    const name = 'ABCD'[this.#actors.length] as string;
    this.#say(actor, `fork ${name}`);
    this.#actors.push({ ...actor, name, regions: new Map(actor.regions) });
  }

  #fileCall(actor: Actor): void {
    const file = this.#chance.of(actor.files);
    const offset = this.#chance.of([0, 1000, 4096, 8192, 30000]);
    const size = this.#chance.of([1, 4096, 16384, 70000]);
    const call = this.#chance.of([
      `pread ${file} off=${offset} size=${size}`,
      `pwrite ${file} off=${offset} size=${size}`,
      `ftruncate ${file} size=${this.#chance.of([0, 1000, 8192, 40000, 400000])}`,
      `fsync ${file}`,
      `fadvise ${file} ${this.#chance.of(['dontneed', 'willneed', 'random', 'sequential', 'normal'])}`,
      `readahead ${file} off=${offset} len=${size}`,
      `fallocate ${file} off=${offset} len=${size}${this.#chance.of(['', ' punch', ' punch'])}`,
      `sendfile ${this.#chance.of(['null', ...actor.files])} ${file} off=${offset} size=${size}`,
      `copy_file_range ${file} ${this.#chance.of(actor.files)} off=${offset} to=${this.#chance.of([0, 5000, 65536])} size=${size}`,
    ]);
    if (this.#chance.below(5) === 0) this.lines.push(`fincore ${file}`);
    else this.#say(actor, call);
  }
}

/**
 * The text of a random scenario of about `steps` operations.
 * @param withFiles with two files that are mapped, read, written and truncated
 */
export function randomScenario(seed: number, steps: number, withFiles: boolean): string {
  const generator = new Generator(seed, withFiles);
  for (let i = 0; i < steps; i++) generator.step();
  generator.finish();
  return `${generator.lines.join('\n')}\n`;
}
