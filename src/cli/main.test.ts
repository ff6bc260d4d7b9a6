import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { faultline } from './testing/faultline.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A scenario file with these lines. */
function scenario(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const cow = scenario('cow.txt', 'spawn A', 'A mmap r len=4p', 'A touch r w each=1', 'A fork B', 'B touch r w each=1');

test('does every command have a help with an example, and the whole one list them all?', () => {
  const { code, stdout } = faultline(['--help']);
  expect(code).toBe(0);
  const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}\S/gm)].map(([, name]) => name as string);
  expect(commands).toEqual(expect.arrayContaining(['run', 'conform', 'record', 'import']));
  for (const name of commands) {
    const help = faultline([name, '--help']);
    expect(help.code, name).toBe(0);
    expect(help.stdout).toMatch(new RegExp(`^usage: faultline ${name}`));
    expect(help.stdout).toMatch(/^example: .*faultline/m);
  }
});

test('are wrong commands and options one sentence with exit code 2?', () => {
  const sentences: [args: string[], message: string][] = [
    [['rnu'], 'unknown command "rnu"; did you mean "run"?'],
    [['run'], 'run needs a scenario FILE; see faultline run --help'],
    [['run', join(folder, 'none.txt')], `cannot read ${join(folder, 'none.txt')}: there is no such file`],
    [['run', folder], `cannot read ${folder}: it is a directory`],
    [['run', cow, '--jsn'], 'unknown option "--jsn"; did you mean "--json"?'],
    [['run', cow, '--memory'], 'option --memory needs a value'],
    [['run', cow, '--memory', '1'], '--memory 1: expected a size from 16M to 1T, as in 512M or 4G'],
    [['run', cow, '--cpu', 'zen33'], '--cpu zen33: unknown processor; did you mean "zen3"?'],
    [['run', cow, '--disk', 'nvm'], '--disk nvm: unknown disk; did you mean "nvme"?'],
    [['run', cow, '--cpus', '0'], '--cpus 0: expected a whole number from 1 to 32'],
    [['run', cow, '--thp', 'maybe'], '--thp maybe: expected one of always, madvise, never'],
    [
      ['run', cow, '--sysctl', 'vm.swapiness=1'],
      '--sysctl vm.swapiness=1: this machine has no sysctl "vm.swapiness"; did you mean "vm.swappiness"?',
    ],
    [
      ['run', cow, '--sysctl', 'vm.overcommit_memory=7'],
      '--sysctl vm.overcommit_memory=7: the kernel refuses this value',
    ],
    [['run', cow, '--', '--json'], 'run takes one FILE; "--json" is one too many'],
    [['conform', join(folder, 'none.txt')], `cannot read ${join(folder, 'none.txt')}: there is no such file`],
    [['conform', folder], `cannot read ${folder}: it is a directory`],
    [['conform', '--group', 'nope'], 'there is no group "nope"; there are '],
    [['conform', '--random', '3'], '--random needs --host or --vm: nothing is recorded for scenarios made by chance'],
    [['conform', '--random', 'x'], '--random x: expected a whole number'],
  ];
  for (const [args, message] of sentences) {
    const { code, stderr, stdout } = faultline(args);
    expect(stderr, args.join(' ')).toContain(`faultline: ${message}`);
    expect(stderr.trim().split('\n'), args.join(' ')).toHaveLength(1);
    expect([code, stdout]).toEqual([2, '']);
  }
});

test('is a typing error in a scenario told with file and line, before anything ran?', () => {
  const path = scenario('typo.txt', 'spawn A', 'A mmap r len=4p', 'A tuch r w');
  const { code, stdout, stderr } = faultline(['run', path]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toBe(`faultline: ${path}:3: unknown operation "tuch"; did you mean "touch"?\n`);
});

test('does run print a line an operation for people, and the keys of the oracle as JSON?', () => {
  const text = faultline(['run', cow]);
  expect(text.code).toBe(0);
  expect(text.stdout.split('\n')[2]).toMatch(/^A touch r w each=1 +2\.\d\d us {2}4 faults; acc 4; each 1\*4$/);
  const json = faultline(['run', cow, '--json']);
  const answers = JSON.parse(json.stdout);
  expect(answers[0]).toEqual({ scenario: 'cow.txt', runs: 1, kernel: 'faultline', workdir: 'ext4-small' });
  expect(answers[2]).toEqual({
    i: 2,
    op: 'A mmap r len=4p',
    minflt: 0,
    majflt: 0,
    at: 'top-0x4000',
    addr: 'top-0x4000',
  });
  expect(Object.keys(answers[5])).toEqual(['i', 'op', 'ret', 'minflt', 'majflt', 'acc', 'each']);
  expect(answers[5].each).toBe('1*4');
});

test('do machine options change the machine?', () => {
  const path = scenario('memory.txt', 'meminfo MemTotal', 'spawn A', 'A mmap r len=1G', 'cat /proc/sys/vm/swappiness');
  const { stdout } = faultline(['run', path, '--json', '--memory=512M', '--sysctl', 'vm.swappiness=7']);
  const answers = JSON.parse(stdout);
  expect(answers[1].MemTotal).toBe(512 * 1024);
  expect(answers[3].errno).toBe('ENOMEM');
  expect(answers[4].text).toBe('7\n');
});

test('does conform compare with the recorded answers and say by its exit code whether all are equal?', () => {
  const anon = faultline(['conform', '--group', 'anon']);
  expect(anon.stdout).toMatch(/(\d+) of \1 operations equal/);
  expect(anon.code).toBe(0);
  const { code, stderr } = faultline(['conform', cow]);
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('no answers of the real kernel are recorded for cow.txt'),
  ]);
});

test('does the launcher hand over to the pinned Node when its own is older?', () => {
  // Whatever Node the system has must do, and where it is older than 24 the pinned one takes over.
  const folders = (process.env.PATH ?? '').split(':').filter((path) => !path.includes('node_modules'));
  const node = folders.map((path) => join(path, 'node')).find((path) => existsSync(path)) ?? process.execPath;
  const { code, stdout } = faultline(['--version'], { node });
  expect([code, stdout]).toEqual([0, 'faultline 0.1.0\n']);
  expect(faultline(['run', 'nofile'], { node }).code).toBe(2);
});

test('does a reader that goes away end the run quietly?', async () => {
  const path = scenario('long.txt', 'spawn A', ...Array(4000).fill('A mmap r len=1p'));
  const launcher = fileURLToPath(new URL('../../bin/faultline.js', import.meta.url));
  const child = spawn(process.execPath, [launcher, 'run', path]);
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect([code, errors]).toEqual([0, '']);
});
