/**
 * Whether a command can be recorded, asked before anything is written: Valgrind's own answers come after the file of the
 * recording has been emptied, and speak of Valgrind.
 */
import { accessSync, closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Why a command cannot be recorded: one sentence, and the exit code. */
export interface Refusal {
  readonly message: string;
  readonly exitCode: number;
}

/** The shell's exit codes for a command that is not there, and for one that is no program. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
/** A program that would start, but not under the recorder: unusable input. */
const NOT_RECORDABLE = 2;

/** Set-user-ID and set-group-ID. */
const S_ISUID_S_ISGID = 0o6000;
const ELF_MAGIC = 0x7f454c46;
const ELFCLASS64 = 2;
const EM_X86_64 = 62;
/** The kernel reads this much of a program to tell what it is (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;
/** Interpreters that are scripts themselves; the kernel follows as many (exec_binprm). */
const MOST_INTERPRETERS = 5;

/** @param command as typed: a path, or a name to be found by PATH */
export function refusalOf(command: string, path = process.env.PATH ?? '/bin:/usr/bin'): Refusal | undefined {
  if (command.includes('/')) return refusalOfFile(command, command, MOST_INTERPRETERS);
  const found = path.split(':').find((folder) => isProgram(join(folder, command)));
  if (found === undefined) return { message: `${command}: command not found`, exitCode: NOT_FOUND };
  return refusalOfFile(command, join(found, command), MOST_INTERPRETERS);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** @param name how messages call the file */
function refusalOfFile(name: string, path: string, interpreters: number): Refusal | undefined {
  const stats = statsOf(path);
  if (stats === 'unreachable') return { message: `${name}: permission denied`, exitCode: NOT_EXECUTABLE };
  if (stats === undefined) return { message: `${name}: there is no such file`, exitCode: NOT_FOUND };
  if (stats.isDirectory()) return { message: `${name}: it is a directory`, exitCode: NOT_EXECUTABLE };
  if (!isProgram(path)) return { message: `${name}: it is not executable`, exitCode: NOT_EXECUTABLE };
  if ((stats.mode & S_ISUID_S_ISGID) !== 0) {
    const message = `${name}: it runs with its owner's rights (set-user-ID), which Valgrind cannot give it`;
    return { message, exitCode: NOT_RECORDABLE };
  }
  const head = headOf(path);
  if (head === undefined) return { message: `${name}: it cannot be read`, exitCode: NOT_RECORDABLE };
  if (head.readUInt32BE(0) === ELF_MAGIC && (head[4] !== ELFCLASS64 || head.readUInt16LE(18) !== EM_X86_64)) {
    const message = `${name}: it is no 64-bit x86 program, and the recorder takes no other`;
    return { message, exitCode: NOT_RECORDABLE };
  }
  const interpreter = /^#![ \t]*([^ \t\n]+)/.exec(head.toString('latin1'))?.[1];
  if (interpreter === undefined || interpreters === 0) return undefined;
  return refusalOfFile(`${name}: its interpreter ${interpreter}`, interpreter, interpreters - 1);
}

/** What is at a path: undefined for nothing, 'unreachable' where a folder on the way is closed to us. */
function statsOf(path: string): Stats | 'unreachable' | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return 'unreachable';
  }
}

/** A file's first bytes, zeros behind its end; undefined when it cannot be read. */
function headOf(path: string): Buffer | undefined {
  const head = Buffer.alloc(HEAD_BYTES);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, HEAD_BYTES, 0);
    } finally {
      closeSync(fd);
    }
    return head;
  } catch {
    return undefined;
  }
}
