/**
 * Measures docs/limits.md again: reading and swapping of real programs in a memory cgroup with a limit, on this kernel, and in
 * a replay of their recording. It needs root, cgroups of version 1, and a swap area that nobody else uses.
 *
 *   npm run limits [-- NAME...]      prints the table; only the programs whose name begins with a NAME
 *   npm run limits -- --write        and puts it into docs/limits.md
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nvme } from '../src/hardware/block-device.ts';
import { PAGE_SIZE } from '../src/hardware/units.ts';
import { openRecording } from '../src/host/recording-file.ts';
import { CAUSE_IDLE } from '../src/kernel/time/clock.ts';
import { Machine } from '../src/machine/machine.ts';
import { Replay } from '../src/program/recording/replay.ts';
import { parseSize } from '../src/program/scenario/size.ts';
import { measuresOf } from '../src/sweep/measures.ts';
import { type LimitProgram, limitPrograms } from './limit-programs.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'src/cli/main.ts');
const PAGE = join(ROOT, 'docs/limits.md');
const MARKS = ['<!-- measured -->', '<!-- end -->'] as const;
/** Native runs of each program under each limit. */
const RUNS = 3;
/** Seconds from the machine's boot to the program's start: the kernel adds up the statistics of cgroups every two seconds. */
const PHASES = [0.3, 1, 1.7];
const SWAP_BYTES = 256 << 20;
/** Drops a file from memory, as far as nobody maps it; what is dirty is written first. */
const EVICT =
  'import os,sys\nfor p in sys.argv[1:]:\n fd=os.open(p,os.O_RDONLY); os.fsync(fd); os.posix_fadvise(fd,0,0,os.POSIX_FADV_DONTNEED); os.close(fd)';

/** What one run did: pages of files that came from the disk, pages swapped in and out, and whether it was killed. */
interface Run {
  readonly fileRead: number;
  readonly swapped: number;
  readonly killed: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'limits-'));
const limited = join(folder, 'limited');

/** @returns the run, and the bytes that the program asked for with read(2) and its like */
function nativeRun({ command, inputs }: LimitProgram, bytes: number): Run & { readonly rchar: number } {
  execFileSync('/usr/bin/python3', ['-c', EVICT, ...inputs], { cwd: folder });
  const stdio = ['ignore', 'ignore', 'ignore', 'pipe'] as const;
  const { output } = spawnSync(limited, [String(bytes), ...command], {
    cwd: folder,
    stdio: [...stdio],
    encoding: 'utf8',
  });
  const numbers = (output[3] ?? '').trim().split(' ').map(Number);
  if (numbers.length !== 8) throw new Error(`limited ${command.join(' ')}: "${output[3] ?? ''}"`);
  const [, , inBlocks = 0, , rchar = 0, swapIn = 0, swapOut = 0, killed = 0] = numbers;
  return { fileRead: inBlocks / 8 - swapIn, swapped: swapIn + swapOut, killed: killed === 1, rchar };
}

function record({ name, command }: LimitProgram): string {
  const file = join(folder, `${name}.flt`);
  const ran = spawnSync(process.execPath, [MAIN, 'record', '--quiet', '-o', file, '--', ...command], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (ran.status !== 0) throw new Error(`recording ${command.join(' ')} failed: ${ran.stderr}`);
  return file;
}

/** The largest readahead window of the disk that the files lie on, in bytes. */
function readAheadBytes(): number {
  const disk = execFileSync('findmnt', ['-n', '-o', 'MAJ:MIN', '-T', folder], { encoding: 'utf8' }).trim();
  return Number(readFileSync(`/sys/class/bdi/${disk}/read_ahead_kb`, 'utf8')) * 1024;
}

const settings = {
  swappiness: Number(readFileSync('/sys/fs/cgroup/memory/memory.swappiness', 'utf8')),
  readAhead: readAheadBytes(),
};

function replayRun(file: string, { inputs }: LimitProgram, limit: number, phase: number): Run {
  const machine = new Machine({
    swap: SWAP_BYTES,
    cgroups: 1,
    disk: nvme,
    readAhead: settings.readAhead,
    sysctls: { 'vm.swappiness': settings.swappiness },
  });
  machine.clock.spend(phase * 1e9, CAUSE_IDLE);
  const { reader, close } = openRecording(file);
  const replay = Replay.start(machine, reader, { limit, coldFiles: inputs.map((name) => join(folder, name)) });
  replay.finish();
  close();
  const { filePagesRead, swappedIn, swappedOut, killed } = measuresOf(replay, null);
  return { fileRead: filePagesRead, swapped: swappedIn + swappedOut, killed: killed > 0 };
}

/** Of several runs: the least, the one in the middle, the greatest. */
function spread(values: readonly number[]): { least: number; middle: number; most: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? 0;
  return { least: at(0), middle: at(Math.floor(sorted.length / 2)), most: at(sorted.length - 1) };
}

function spreadText(values: readonly number[], digits: number): string {
  const { least, middle, most } = spread(values);
  const text = (value: number): string => value.toFixed(digits);
  return least === most ? text(middle) : `${text(middle)} (${text(least)} to ${text(most)})`;
}

/** How far the replays' middle lies from the native one, and whether it lies among the native runs. */
function verdict(
  native: readonly number[],
  replay: readonly number[],
  difference: (is: number, was: number) => string,
): string {
  const { least, middle, most } = spread(native);
  const is = spread(replay).middle;
  const apart = difference(is, middle);
  return least <= is && is <= most ? `${apart}, inside` : apart;
}

const points = (is: number, was: number): string => (is - was).toFixed(1);
const percent = (is: number, was: number): string =>
  was === is ? '0.0 %' : was === 0 ? 'none natively' : `${(((is - was) / was) * 100).toFixed(1)} %`;
const kills = (runs: readonly Run[]): string => {
  const killed = runs.filter((run) => run.killed).length;
  return killed === 0 ? '' : `, ${killed} of ${runs.length} killed`;
};

function row(program: LimitProgram, file: string, limit: string): string {
  const bytes = parseSize(limit) ?? 0;
  const native = Array.from({ length: RUNS }, () => nativeRun(program, bytes));
  const replay = PHASES.map((phase) => replayRun(file, program, bytes, phase));
  const asked = Math.max(...native.map(({ rchar }) => rchar)) / PAGE_SIZE + program.mappedPages;
  const hits = (runs: readonly Run[]): number[] => runs.map(({ fileRead }) => 100 * (1 - fileRead / asked));
  const swaps = (runs: readonly Run[]): number[] => runs.map(({ swapped }) => swapped);
  const cells = [
    program.name,
    `${limit}${kills(native)}${kills(replay) === '' ? '' : ` (replay${kills(replay)})`}`,
    spreadText(hits(native), 1),
    spreadText(hits(replay), 1),
    verdict(hits(native), hits(replay), points),
    spreadText(swaps(native), 0),
    spreadText(swaps(replay), 0),
    verdict(swaps(native), swaps(replay), percent),
  ];
  return `| ${cells.join(' | ')} |\n`;
}

const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith('--'));
if (readFileSync('/proc/swaps', 'utf8').trim().split('\n').length < 2)
  throw new Error('limits: no swap area is in use');
if (!readdirSync('/sys/fs/cgroup/memory').includes('memory.limit_in_bytes'))
  throw new Error('limits: cgroups of version 1 are not mounted on /sys/fs/cgroup/memory');
execFileSync('gcc', ['-O1', '-static', '-o', limited, join(ROOT, 'scripts/native/limited.c')]);
const programs = limitPrograms(folder).filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.startsWith(word)),
);
let text =
  `Linux ${release()}, swappiness ${settings.swappiness}, read_ahead_kb ${settings.readAhead / 1024}, ${RUNS} native runs, ` +
  `${PHASES.length} replays.\n\n` +
  '| program | limit | hits %, native | hits %, replay | points | swapped pages, native | replay | difference |\n|---|---|---|---|---|---|---|---|\n';
process.stdout.write(text);
for (const program of programs) {
  const file = record(program);
  for (const limit of program.limits) {
    const line = row(program, file, limit);
    process.stdout.write(line);
    text += line;
  }
}
rmSync(folder, { recursive: true });
if (args.includes('--write')) {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = MARKS;
  const before = page.slice(0, page.indexOf(begin) + begin.length);
  writeFileSync(PAGE, `${before}\n${text}${page.slice(page.indexOf(end))}`);
}
