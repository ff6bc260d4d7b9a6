/**
 * The first pages of a program's stack: what exec(2) puts there before the program runs (fs/exec.c, create_elf_tables in
 * fs/binfmt_elf.c). Only places and sizes are computed here, because they decide which pages the kernel touches.
 */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { E2BIG } from '../errno.ts';

/** Lengths in bytes of the strings that exec copies, each without its NUL. */
export interface ExecStrings {
  /** The path given to execve. */
  readonly filename: number;
  readonly argv: readonly number[];
  readonly envp: readonly number[];
}

/** Where things lie on the stack; byte addresses, all below the stack's top. */
export interface StackImage {
  /** Lowest byte of the argument strings (bprm->p). */
  readonly strings: number;
  /** The stack pointer at the first instruction: argc lies there (mm->start_stack after create_elf_tables). */
  readonly pointer: number;
}

/** Entries of the auxiliary vector on x86-64, with AT_NULL (create_elf_tables, ARCH_DLINFO). */
const AUXV_ENTRIES = 23;
const PLATFORM_BYTES = 'x86_64'.length + 1;
/** AT_RANDOM. */
const RANDOM_BYTES = 16;
const WORD = 8;
/** MAX_ARG_STRLEN: one string, its NUL included. */
const MAX_STRING = 32 * PAGE_SIZE;
/** _STK_LIM / 4 * 3 and ARG_MAX (bprm_stack_limits). */
const MOST_STRINGS = 6 << 20;
const LEAST_STRINGS = 128 << 10;

/**
 * Lays out the strings and the tables below `top`.
 *
 * @param top the end of the stack, in bytes
 * @param stackLimit RLIMIT_STACK, in bytes
 * @returns -E2BIG if the strings do not fit (bprm_stack_limits, copy_strings)
 */
export function layOutStack(top: number, strings: ExecStrings, stackLimit: number): StackImage | number {
  const { argv, envp, filename } = strings;
  const pointers = (Math.max(argv.length, 1) + envp.length) * WORD;
  const room = Math.max(Math.min(MOST_STRINGS, stackLimit / 4), LEAST_STRINGS) - pointers;
  const copied = [filename, ...envp, ...argv].map((length) => length + 1);
  const bytes = copied.reduce((sum, length) => sum + length, 0);
  if (room <= 0 || bytes > room || copied.some((length) => length > MAX_STRING)) return -E2BIG;

  // begin_new_exec leaves one word free at the very top.
  const p = top - WORD - bytes;
  const blocks = p - (p % 16) - PLATFORM_BYTES - RANDOM_BYTES;
  const items = 1 + (argv.length + 1) + (envp.length + 1);
  const pointer = blocks - AUXV_ENTRIES * 2 * WORD - items * WORD;
  return { strings: p, pointer: pointer - (pointer % 16) };
}
