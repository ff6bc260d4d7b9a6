/**
 * Measures docs/native-faults.md again: minor faults of real programs on this kernel, and in a replay of their recording.
 *
 *   npm run native-faults [-- NAME...]      prints the table; only the programs whose name begins with a NAME
 *   npm run native-faults -- --write        and puts it into docs/native-faults.md
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRecording } from '../src/host/recording-file.ts';
import { Machine } from '../src/machine/machine.ts';
import { Replay } from '../src/program/recording/replay.ts';
import { type ReplayReport, reportOf } from '../src/program/recording/replay-report.ts';
import { nativeMappings } from './native-mappings.ts';
import { type NativeProgram, nativePrograms } from './native-programs.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'src/cli/main.ts');
const PAGE = join(ROOT, 'docs/native-faults.md');
const MARKS = ['<!-- measured -->', '<!-- end -->'] as const;
/** Native runs; the middle one counts. The first only fills the page cache. */
const RUNS = 4;
/** Valgrind shows programs a processor without AVX-512, and the C library chooses its string functions by that. */
const NO_AVX512 = { GLIBC_TUNABLES: 'glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW' };

const folder = mkdtempSync(join(tmpdir(), 'native-faults-'));
const rusage = join(folder, 'rusage');

/** ru_minflt of a command and its children, the median of some runs with all files cached. */
function nativeFaults(command: readonly string[], environment: Readonly<Record<string, string>>): number {
  const counts = Array.from({ length: RUNS }, () => {
    const env = { ...process.env, ...environment };
    const ran = spawnSync(rusage, command, {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    return Number((ran.output[3] ?? '').split(' ')[0]);
  })
    .slice(1)
    .sort((a, b) => a - b);
  return counts[Math.floor(counts.length / 2)] as number;
}

function replayed({ command, window }: NativeProgram): ReplayReport {
  const file = join(folder, 'program.flt');
  const mode = window === undefined ? [] : ['--window', window];
  const ran = spawnSync(process.execPath, [MAIN, 'record', '--quiet', '-o', file, ...mode, '--', ...command], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (ran.status !== 0) throw new Error(`recording ${command.join(' ')} failed: ${ran.stderr}`);
  const { reader, close } = openRecording(file);
  const replay = Replay.start(new Machine(), reader);
  replay.finish();
  close();
  return reportOf(replay, 0);
}

const percent = (is: number, wanted: number): string => `${(((is - wanted) / wanted) * 100).toFixed(2)} %`;

function mappingTable(program: NativeProgram, report: ReplayReport): string {
  const native = nativeMappings(folder, program.command);
  if (native === undefined) return '';
  const replay = new Map(report.faults.byMapping.map(({ mapping, minor }) => [mapping, minor]));
  const names = [...new Set([...native.keys(), ...replay.keys()])].sort(
    (a, b) => (native.get(b) ?? 0) - (native.get(a) ?? 0),
  );
  const rows = names.map((name) => `| ${name} | ${native.get(name) ?? 0} | ${replay.get(name) ?? 0} |`);
  return `\n${program.name} by mapping (native: perf):\n\n| mapping | native | replay |\n|---|---|---|\n${rows.join('\n')}\n`;
}

const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith('--'));
execFileSync('gcc', ['-O1', '-static', '-o', rusage, join(ROOT, 'scripts/native/rusage.c')]);
const programs = nativePrograms(folder, ROOT).filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.startsWith(word)),
);
let text = `Linux ${release()}, Node ${process.version}.\n\n| program | native | native, no AVX-512 | replay | difference |\n|---|---|---|---|---|\n`;
let tables = '';
process.stdout.write(text);
for (const program of programs) {
  const native = nativeFaults(program.command, {});
  const plain = nativeFaults(program.command, NO_AVX512);
  const report = replayed(program);
  const row = `| ${program.name}${program.jit ? ' (JIT)' : ''} | ${native} | ${plain} | ${report.faults.minor} | ${percent(report.faults.minor, native)} |\n`;
  process.stdout.write(row);
  text += row;
  if (program.byMapping) tables += mappingTable(program, report);
}
process.stdout.write(tables);
rmSync(folder, { recursive: true });
if (args.includes('--write')) {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = MARKS;
  const before = page.slice(0, page.indexOf(begin) + begin.length);
  writeFileSync(PAGE, `${before}\n${text}${tables}${page.slice(page.indexOf(end))}`);
}
