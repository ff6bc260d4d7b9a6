import * as errno from '../kernel/errno.ts';

/** strerror(3) of the C library, for what the commands here meet. */
const MESSAGES: ReadonlyMap<number, string> = new Map([
  [errno.EPERM, 'Operation not permitted'],
  [errno.ENOENT, 'No such file or directory'],
  [errno.ESRCH, 'No such process'],
  [errno.EIO, 'Input/output error'],
  [errno.EAGAIN, 'Resource temporarily unavailable'],
  [errno.ENOMEM, 'Cannot allocate memory'],
  [errno.EACCES, 'Permission denied'],
  [errno.EBUSY, 'Device or resource busy'],
  [errno.EINVAL, 'Invalid argument'],
]);

export const strerror = (error: number): string => MESSAGES.get(error) ?? `Unknown error ${error}`;
