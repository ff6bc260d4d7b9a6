/** `docker ps`, `stats` and `inspect`: what there is to see of containers. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { UsageError } from '../command.ts';
import type { LinuxBox } from '../linux-box.ts';
import { containers } from './containers.ts';

const mebibytes = (bytes: number): string => {
  const [unit, size] = bytes >= 2 ** 30 ? ['GiB', 2 ** 30] : bytes >= 2 ** 20 ? ['MiB', 2 ** 20] : ['KiB', 2 ** 10];
  return `${Number((bytes / size).toPrecision(4))}${unit}`;
};

/** `docker stats --no-stream`: memory without the inactive files, as Docker counts it. */
export function stats(box: LinuxBox): string {
  const total = box.machine.kernel.allocator.managed * PAGE_SIZE;
  const rows = containers(box)
    .filter(({ exitCode }) => exitCode === undefined)
    .map(({ id, name, group, memory }) => {
      const stat = box.machine.kernel.cgroupTree.read(group, 'memory.stat');
      const [, inactive = '0'] = /^inactive_file (\d+)$/m.exec(String(stat)) ?? [];
      const used = group.memory.usage * PAGE_SIZE - Number(inactive);
      const limit = memory ?? total;
      return [id, name, `${mebibytes(used)} / ${mebibytes(limit)}`, `${((used * 100) / limit).toFixed(2)}%`];
    });
  return table([['CONTAINER ID', 'NAME', 'MEM USAGE / LIMIT', 'MEM %'], ...rows]);
}

/** `docker ps`. @param ended those too that have ended */
export function list(box: LinuxBox, ended: boolean): string {
  const rows = containers(box)
    .filter(({ exitCode }) => ended || exitCode === undefined)
    .map(({ id, name, command, exitCode }) => [
      id,
      `"${command}"`,
      exitCode === undefined ? 'Up' : `Exited (${exitCode})`,
      name,
    ]);
  return table([['CONTAINER ID', 'COMMAND', 'STATUS', 'NAMES'], ...rows]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length))) ?? [];
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] as number))).join('   ');
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** `docker inspect`, with the fields of -f that speak of memory. */
export function inspect(box: LinuxBox, args: readonly string[]): string {
  const format =
    args.indexOf('-f') >= 0
      ? args[args.indexOf('-f') + 1]
      : args.find((word) => word.startsWith('--format='))?.slice(9);
  const target = args.at(-1) ?? '';
  const container = containers(box).find(({ id, name }) => name === target || id.startsWith(target));
  if (container === undefined) throw new UsageError(`[]\nError: No such object: ${target}\n`);
  const { id, name, memory, exitCode, oomKilled } = container;
  const facts: Readonly<Record<string, unknown>> = {
    '.Id': id,
    '.Name': `/${name}`,
    '.State.OOMKilled': oomKilled,
    '.State.ExitCode': exitCode ?? 0,
    '.State.Running': exitCode === undefined,
    '.HostConfig.Memory': memory ?? 0,
  };
  if (format !== undefined)
    return `${format.replace(/\{\{\s*([.\w]+)\s*\}\}/g, (_, key: string) => String(facts[key] ?? '<no value>'))}\n`;
  const state = { Running: exitCode === undefined, OOMKilled: oomKilled, ExitCode: exitCode ?? 0 };
  return `${JSON.stringify([{ Id: id, Name: `/${name}`, State: state, HostConfig: { Memory: memory ?? 0 } }], undefined, 4)}\n`;
}
