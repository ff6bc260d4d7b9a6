/** Page faults of a native run by mapping, from `perf record -e page-faults -d`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

interface Range {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

const MAPPED = /PERF_RECORD_MMAP2? \d+\/\d+: \[0x([0-9a-f]+)\(0x([0-9a-f]+)\).*?\]: \S+ (.+)$/;
const FAULT = /page-faults:\s+([0-9a-f]+)/;
/** mmap places everything above this, far above programs and their heaps. */
const MMAP_AREA = 2 ** 46;
const NAMES: Readonly<Record<string, string>> = { '//anon': '[anon]' };

/**
 * Runs a command and counts its faults by the names of FaultLedger. Those of the launcher, and those that the kernel takes on
 * no register's account (argument pages of exec), perf does not show.
 * @returns undefined where perf cannot be used
 */
export function nativeMappings(folder: string, command: readonly string[]): Map<string, number> | undefined {
  const data = join(folder, 'faults.data');
  const options = { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 30 } as const;
  const recorded = spawnSync(
    'perf',
    ['record', '-q', '-e', 'page-faults', '-d', '-c', '1', '-m', '4M', '-o', data, '--', 'setarch', '-R', ...command],
    options,
  );
  if (recorded.error !== undefined || recorded.status !== 0) return undefined;
  const script = spawnSync('perf', ['script', '-i', data, '-F', 'comm,event,addr', '--show-mmap-events'], options);
  let ranges: Range[] = [];
  const counts = new Map<string, number>();
  for (const line of script.stdout.split('\n')) {
    const mapped = MAPPED.exec(line);
    if (mapped !== null) {
      const start = Number.parseInt(mapped[1] as string, 16);
      const end = start + Number.parseInt(mapped[2] as string, 16);
      const name = mapped[3] as string;
      ranges = [
        { start, end, name: NAMES[name] ?? name },
        ...ranges.filter((old) => old.start < start || old.end > end),
      ];
    }
    const fault = FAULT.exec(line);
    if (fault === null || /^\s*setarch/.test(line)) continue;
    const address = Number.parseInt(fault[1] as string, 16);
    const name = ranges.find(({ start, end }) => address >= start && address < end)?.name ?? nameless(address, ranges);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** perf tells neither how the stack and the heap grow nor where the vdso lies. */
function nameless(address: number, ranges: readonly Range[]): string {
  const stack = ranges.find(({ name }) => name === '[stack]');
  if (stack !== undefined && address < stack.end && address > stack.end - (8 << 20)) return '[stack]';
  return address < MMAP_AREA ? '[heap]' : '[anon]';
}
