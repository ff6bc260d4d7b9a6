/** dmesg of util-linux 2.38 and `journalctl -k`: the kernel's log. */
import { textCommand } from '../command.ts';
import { getopt } from '../getopt.ts';

const DMESG_OPTIONS = {
  ctime: { short: 'T', long: 'ctime' },
  noTime: { short: 't', long: 'notime' },
  human: { short: 'H', long: 'human' },
  kernel: { short: 'k', long: 'kernel' },
  level: { short: 'l', long: 'level', value: 'required' },
  color: { short: 'L', long: 'color', value: 'optional' },
  noPager: { short: 'P', long: 'nopager' },
} as const;
const JOURNAL_OPTIONS = {
  dmesg: { short: 'k', long: 'dmesg' },
  noPager: { long: 'no-pager' },
  boot: { short: 'b', long: 'boot', value: 'optional' },
  lines: { short: 'n', long: 'lines', value: 'required' },
} as const;

const STAMPED = /^\[ *(\d+\.\d{6})\] (.*)$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** The instant of the machine's boot: it has no date of its own, and the same input must give the same output. */
const BOOT = Date.UTC(2026, 0, 1);

/** Lines of dmesg with a date instead of the time since boot. */
function dated(dmesg: string, show: (date: Date) => string): string {
  return dmesg.replace(new RegExp(STAMPED.source, 'gm'), (_, seconds: string, text: string) => {
    return `${show(new Date(BOOT + Number(seconds) * 1000))}${text}`;
  });
}

const two = (value: number): string => String(value).padStart(2, '0');
const clock = (date: Date): string =>
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
const monthDay = (date: Date): string => `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;

export const dmesg = textCommand('dmesg', '/usr/bin/dmesg', ({ box, args }) => {
  const { given } = getopt('dmesg', args, DMESG_OPTIONS);
  const text = box.machine.kernel.log.dmesg();
  if (given.has('noTime')) return text.replace(new RegExp(STAMPED.source, 'gm'), '$2');
  if (!given.has('ctime') && !given.has('human')) return text;
  return dated(
    text,
    (date) => `[${DAYS[date.getUTCDay()]} ${monthDay(date)} ${clock(date)} ${date.getUTCFullYear()}] `,
  );
});

export const journalctl = textCommand('journalctl', '/usr/bin/journalctl', ({ box, args }) => {
  const { given } = getopt('journalctl', args, JOURNAL_OPTIONS);
  const text = dated(
    box.machine.kernel.log.dmesg(),
    (date) => `${monthDay(date).replace('  ', ' 0')} ${clock(date)} faultline kernel: `,
  );
  if (text === '') return '-- No entries --\n';
  const lines = given.get('lines');
  return lines === undefined
    ? text
    : text
        .split('\n')
        .slice(-Number(lines) - 1)
        .join('\n');
});
