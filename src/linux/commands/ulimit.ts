/** bash's ulimit: resource limits of the shell, which its children inherit. */
import { RLIM_INFINITY } from '../../kernel/uapi.ts';
import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';

/** As `ulimit -a` lists them: its words, the letter, the resource (RLIMIT_*), and bytes of its unit. */
const LIMITS: readonly [words: string, letter: string, resource: number, unit: number][] = [
  ['real-time non-blocking time  (microseconds', 'R', 15, 1],
  ['core file size              (blocks', 'c', 4, 512],
  ['data seg size               (kbytes', 'd', 2, 1024],
  ['scheduling priority', 'e', 13, 1],
  ['file size                   (blocks', 'f', 1, 512],
  ['pending signals', 'i', 11, 1],
  ['max locked memory           (kbytes', 'l', 8, 1024],
  ['max memory size             (kbytes', 'm', 5, 1024],
  ['open files', 'n', 7, 1],
  ['POSIX message queues         (bytes', 'q', 12, 1],
  ['real-time priority', 'r', 14, 1],
  ['stack size                  (kbytes', 's', 3, 1024],
  ['cpu time                   (seconds', 't', 0, 1],
  ['max user processes', 'u', 6, 1],
  ['virtual memory              (kbytes', 'v', 9, 1024],
  ['file locks', 'x', 10, 1],
];
const WORDS_WIDTH = 43;

const shown = (limit: number, unit: number): string =>
  limit === RLIM_INFINITY ? 'unlimited' : String(Math.floor(limit / unit));

/** @throws UsageError in bash's words */
function parseLimit(text: string, hard: number, unit: number): number {
  if (text === 'unlimited') return RLIM_INFINITY;
  if (text === 'hard') return hard;
  if (!/^\d+$/.test(text)) throw new UsageError(`bash: ulimit: ${text}: invalid number\n`);
  return Number(text) * unit;
}

export const ulimit: LinuxCommand = {
  name: 'ulimit',
  path: undefined,
  *run({ box, args }) {
    const { soft, hard } = box.shell.process.rlimits;
    let which: Float64Array[] = [soft, hard];
    let letter = 'f';
    let value: string | undefined;
    for (const word of args) {
      if (!word.startsWith('-')) value = word;
      else
        for (const option of word.slice(1)) {
          if (option === 'S') which = [soft];
          else if (option === 'H') which = [hard];
          else letter = option;
        }
    }
    const reading = which.length === 2 ? soft : (which[0] ?? soft);
    if (letter === 'a') {
      const lines = LIMITS.map(([words, name, resource, unit]) => {
        const label = words.includes('(') ? `${words}, -${name})` : `${words.padEnd(WORDS_WIDTH - 7)}(-${name})`;
        return `${label} ${shown(reading[resource] as number, unit)}\n`;
      });
      yield { out: lines.join('') };
      return 0;
    }
    const found = LIMITS.find(([, name]) => name === letter);
    if (found === undefined) throw new UsageError(`bash: ulimit: -${letter}: invalid option\n`, 2);
    const [, , resource, unit] = found;
    if (value === undefined) {
      yield { out: `${shown(reading[resource] as number, unit)}\n` };
      return 0;
    }
    const limit = parseLimit(value, hard[resource] as number, unit);
    const above = limit > (hard[resource] as number);
    if (above && !box.shell.process.credentials.sysResource) {
      const name = found[0].replace(/ *\(.*/, '');
      throw new UsageError(`bash: ulimit: ${name}: cannot modify limit: Operation not permitted\n`);
    }
    for (const limits of which) limits[resource] = limit;
    if (above) hard[resource] = limit;
    return 0;
  },
};
