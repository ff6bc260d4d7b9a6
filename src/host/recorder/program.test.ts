import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { faultline } from '../../cli/testing/faultline.ts';
import { refusalOf } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'program-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An executable file with these contents. */
function program(name: string, contents: string | Uint8Array, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  chmodSync(path, mode);
  return path;
}

/** The head of an ELF file. */
function elf(bits: 32 | 64, machine: number): Uint8Array {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 'latin1');
  head[4] = bits / 32;
  head.writeUInt16LE(machine, 18);
  return head;
}

it('are programs and scripts taken?', () => {
  expect(refusalOf('sh')).toBeUndefined();
  expect(refusalOf('/bin/sh')).toBeUndefined();
  expect(refusalOf(program('script', '#! /bin/sh -e\n'))).toBeUndefined();
  expect(refusalOf(program('no-shebang', 'echo\n'))).toBeUndefined();
  expect(refusalOf(program('loop', `#!${join(folder, 'loop')}\n`))).toBeUndefined();
});

it('is each reason against recording one sentence, with the exit code of the shell where it has one?', () => {
  const copy = join(folder, 'setuid');
  copyFileSync('/bin/sh', copy);
  chmodSync(copy, 0o4755);
  const refusals: [command: string, message: string, exitCode: number][] = [
    ['no-such-command', 'no-such-command: command not found', 127],
    [`${folder}/none`, `${folder}/none: there is no such file`, 127],
    [folder, `${folder}: it is a directory`, 126],
    [program('data', 'x', 0o644), `${folder}/data: it is not executable`, 126],
    [copy, `${copy}: it runs with its owner's rights (set-user-ID), which Valgrind cannot give it`, 2],
    [program('i386', elf(32, 3)), `${folder}/i386: it is no 64-bit x86 program, and the recorder takes no other`, 2],
    [program('arm', elf(64, 183)), `${folder}/arm: it is no 64-bit x86 program, and the recorder takes no other`, 2],
    [program('bad', '#!/no/sh\n'), `${folder}/bad: its interpreter /no/sh: there is no such file`, 127],
  ];
  for (const [command, message, exitCode] of refusals) expect(refusalOf(command)).toEqual({ message, exitCode });
});

it('is nothing overwritten by a command that cannot start?', () => {
  const output = join(folder, 'kept.flt');
  writeFileSync(output, 'kept');
  const { code, stderr } = faultline(['record', '-o', output, '--', 'no-such-command']);
  expect([code, stderr]).toEqual([127, 'faultline: no-such-command: command not found\n']);
  expect(readFileSync(output, 'utf8')).toBe('kept');
});
