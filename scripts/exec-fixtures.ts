/**
 * Regenerates src/kernel/process/fixtures/exec.json: how this machine's kernel lays out real programs at their first
 * instruction, with what their ELF headers say. Run it on Linux 6.18: node scripts/exec-fixtures.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseElf } from '../src/kernel/process/elf.ts';

const HELLO =
  'static char big[100000]; int main(int argc, char **argv) { big[argc] = 1; return argv[0][0] == big[2]; }';
const KINDS: [string, string[]][] = [
  ['static', ['-static']],
  ['static-pie', ['-static-pie']],
  ['no-pie', ['-no-pie']],
  ['pie-2m', ['-Wl,-z,max-page-size=0x200000']],
];
const PROGRAMS = ['/usr/bin/cat', '/usr/bin/sort', '/usr/bin/python3.11', '/usr/bin/sqlite3'];

const folder = mkdtempSync(join(tmpdir(), 'exec-fixtures-'));
const maps = join(folder, 'exec-maps');
execFileSync('gcc', ['-O1', '-static', '-o', maps, join(import.meta.dirname, 'native/exec-maps.c')]);
writeFileSync(join(folder, 'hello.c'), HELLO);
for (const [name, flags] of KINDS)
  execFileSync('gcc', ['-O1', ...flags, '-o', join(folder, name), join(folder, 'hello.c')]);

const header = (path: string) => parseElf(new Uint8Array(readFileSync(path)));
const fixtures = [...PROGRAMS, ...KINDS.map(([name]) => join(folder, name))].map((path) => {
  const lines = execFileSync(maps, [path, 'one', 'two'], { env: { A: 'b' }, encoding: 'utf8' })
    .trim()
    .split('\n');
  const stat = (lines.pop() ?? '')
    .replace(/^.*\) /, '')
    .split(' ')
    .map(Number);
  const image = header(path);
  return {
    program: path.startsWith(folder) ? path.slice(folder.length + 1) : path,
    image,
    interpreter: image?.interpreter === undefined ? undefined : header(image.interpreter),
    strings: { filename: path.length, argv: [path.length, 3, 3], envp: [3] },
    maps: lines
      .filter((line) => !line.includes('vsyscall'))
      .map((line) =>
        line
          .replace(/^(\S+ \S+ \S+) \S+ \d+ */, '$1 ')
          .replace(`${folder}/`, '')
          .trim(),
      ),
    startCode: stat[23],
    endCode: stat[24],
    startStack: stat[25],
    startData: stat[42],
    endData: stat[43],
    startBrk: stat[44],
    faults: (stat[7] ?? 0) + (stat[9] ?? 0),
  };
});
writeFileSync(
  join(import.meta.dirname, '../src/kernel/process/fixtures/exec.json'),
  `${JSON.stringify(fixtures, null, 1)}\n`,
);
rmSync(folder, { recursive: true });
