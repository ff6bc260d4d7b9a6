import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** A duration as sleep and timeout take it: `1.5`, `2m`; undefined for anything else. */
export function durationSeconds(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text) ?? [];
  return number === '' ? undefined : Number(number) * (UNIT_SECONDS[unit] ?? 1);
}

/** sleep of coreutils 9.1: the sum of its operands. */
export const sleep: LinuxCommand = {
  name: 'sleep',
  path: '/usr/bin/sleep',
  *run({ args }) {
    if (args.length === 0) throw new UsageError("sleep: missing operand\nTry 'sleep --help' for more information.\n");
    let seconds = 0;
    for (const text of args) {
      const duration = durationSeconds(text);
      if (duration === undefined)
        throw new UsageError(`sleep: invalid time interval ‘${text}’\nTry 'sleep --help' for more information.\n`);
      seconds += duration;
    }
    yield { sleep: seconds * 1e9 };
    return 0;
  },
};
