/** uptime of procps-ng 4.0.2, and the same words as top's first line has them. */
import { textCommand } from '../command.ts';
import type { LinuxBox } from '../linux-box.ts';
import { processRows } from '../process-list.ts';

const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');

/** The machine's day begins at boot: its clock is the time since then. The load is what is ready to run now. */
export function upText(box: LinuxBox): string {
  const seconds = box.machine.clock.now / 1e9;
  const day = seconds % 86_400;
  const days = Math.floor(seconds / 86_400);
  const [hours, minutes] = [Math.floor(day / 3600), Math.floor(day / 60) % 60];
  const dayText = days === 0 ? '' : `${days} day${days > 1 ? 's' : ''}, `;
  const up = hours > 0 ? `${String(hours).padStart(2)}:${two(minutes)}` : `${minutes} min`;
  const load = processRows(box)
    .filter(({ state }) => state === 'R')
    .length.toFixed(2);
  const now = `${two(day / 3600)}:${two((day / 60) % 60)}:${two(day % 60)}`;
  return `${now} up ${dayText}${up},  1 user,  load average: ${load}, ${load}, ${load}`;
}

export const uptime = textCommand('uptime', '/usr/bin/uptime', ({ box }) => ` ${upText(box)}\n`);
