import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { OpenHostFile } from '../program/scenario/host-files.ts';
import { whyUnreadable } from './read-input.ts';

/** Opens files that a scenario names, seen from the scenario's own folder; they are only ever read. */
export function hostFilesBeside(scenario: string): OpenHostFile {
  const folder = dirname(scenario);
  return (path) => {
    try {
      const fd = openSync(resolve(folder, path), 'r');
      const stat = fstatSync(fd);
      if (!stat.isFile()) {
        closeSync(fd);
        return stat.isDirectory() ? 'it is a directory' : 'it is no ordinary file';
      }
      // Open until the process ends: pages are read as the scenario comes to them.
      return { size: stat.size, read: (offset, into) => readSync(fd, into, 0, into.length, offset) };
    } catch (error) {
      return whyUnreadable(error);
    }
  };
}
