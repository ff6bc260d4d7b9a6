import type { Process } from '../process/process.ts';

/**
 * /proc/PID/io (do_io_accounting in fs/proc/base.c): what the process moved through read and write calls, cached or not,
 * and what it caused to be read from and written to disks. Writes count when a page becomes dirty.
 */
export const ioOf = ({ calls, readBytes, writtenBytes, cancelledBytes }: Process): [key: string, value: number][] => [
  ['rchar', calls.readChars],
  ['wchar', calls.writtenChars],
  ['syscr', calls.reads],
  ['syscw', calls.writes],
  ['read_bytes', readBytes],
  ['write_bytes', writtenBytes],
  ['cancelled_write_bytes', cancelledBytes],
];

/** The file's text. */
export const ioText = (process: Process): string =>
  ioOf(process)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
