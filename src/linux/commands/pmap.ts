/** pmap of procps-ng 4.0.2: what /proc/PID/smaps says, as a table. */
import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';
import { getopt } from '../getopt.ts';
import { keyedNumbers } from '../proc-text.ts';

const OPTIONS = {
  extended: { short: 'x', long: 'extended' },
  all: { short: 'X' },
  quiet: { short: 'q', long: 'quiet' },
  path: { short: 'p', long: 'show-path' },
} as const;

/** One mapping of smaps. Addresses and the offset stay text: they are only shown. */
interface Mapping {
  readonly start: string;
  readonly permissions: string;
  readonly offset: string;
  readonly device: string;
  readonly inode: string;
  readonly name: string;
  /** kB, by key. */
  readonly values: ReadonlyMap<string, number>;
}

const HEAD = /^([0-9a-f]+)-[0-9a-f]+ (\S{4}) ([0-9a-f]+) (\S+) (\d+) *(.*)$/;
/** Keys of smaps that pmap -X does not show. */
const HIDDEN = new Set([
  'KernelPageSize',
  'MMUPageSize',
  'AnonHugePages',
  'Shared_Clean',
  'Shared_Dirty',
  'Private_Clean',
  'Private_Dirty',
]);

function mappings(smaps: string): Mapping[] {
  const blocks = smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return blocks.map((block) => {
    const [head = ''] = block.split('\n', 1);
    const [, start = '', permissions = '', offset = '', device = '', inode = '', name = ''] = HEAD.exec(head) ?? [];
    return { start, permissions, offset, device, inode, name, values: keyedNumbers(block.slice(head.length)) };
  });
}

const value = ({ values }: Mapping, key: string): number => values.get(key) ?? 0;
const sumOf = (all: readonly Mapping[], key: string): number => all.reduce((sum, one) => sum + value(one, key), 0);
const dirty = (mapping: Mapping): number => value(mapping, 'Shared_Dirty') + value(mapping, 'Private_Dirty');
const baseName = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/** `rw-p` is `rw---`, `r--s` is `r--s-`. */
const mode = ({ permissions }: Mapping): string =>
  `${permissions.slice(0, 3)}${permissions.endsWith('s') ? 's' : '-'}-`;

/** A file without its folders, `[ stack ]`, and `[ anon ]` for everything else without a file. */
function nameShown({ name }: Mapping, wholePath: boolean): string {
  if (name.startsWith('/')) return wholePath ? name : baseName(name);
  return name === '[stack]' ? '  [ stack ]' : '  [ anon ]';
}

function plain(all: readonly Mapping[], wholePath: boolean, quiet: boolean): string {
  const size = (mapping: Mapping) => `${value(mapping, 'Size')}K`.padStart(7);
  const lines = all.map(
    (one) => `${one.start.padStart(16, '0')}${size(one)} ${mode(one)} ${nameShown(one, wholePath)}\n`,
  );
  return lines.join('') + (quiet ? '' : ` total ${`${sumOf(all, 'Size')}K`.padStart(16)}\n`);
}

function extended(all: readonly Mapping[], wholePath: boolean, quiet: boolean): string {
  const columns = (...kb: number[]) => kb.map((amount) => String(amount).padStart(7)).join(' ');
  const lines = all.map((one) => {
    const amounts = columns(value(one, 'Size'), value(one, 'Rss'), dirty(one));
    return `${one.start.padStart(16, '0')} ${amounts} ${mode(one)} ${nameShown(one, wholePath)}\n`;
  });
  if (quiet) return lines.join('');
  const head = 'Address           Kbytes     RSS   Dirty Mode  Mapping\n';
  const rule = '---------------- ------- ------- ------- \n';
  const allDirty = all.reduce((sum, one) => sum + dirty(one), 0);
  return `${head}${lines.join('')}${rule}total kB         ${columns(sumOf(all, 'Size'), sumOf(all, 'Rss'), allDirty)}\n`;
}

/** `pmap -X`: every key of smaps, each column as wide as its widest cell. */
function everything(all: readonly Mapping[], wholePath: boolean, quiet: boolean): string {
  const keys = [...(all[0]?.values.keys() ?? [])].filter((key) => !HIDDEN.has(key));
  const name = (one: Mapping) => (wholePath ? one.name : baseName(one.name));
  const heads = ['Address', 'Perm', 'Offset', 'Device', 'Inode', ...keys, 'Mapping'];
  const rows = all.map((one) => [
    one.start,
    one.permissions,
    one.offset,
    one.device,
    one.inode,
    ...keys.map((key) => String(value(one, key))),
    name(one),
  ]);
  const totals = ['', '', '', '', '', ...keys.map((key) => String(sumOf(all, key))), 'KB '];
  const widths = heads.map((head, i) => Math.max(head.length, ...[...rows, totals].map((row) => row[i]?.length ?? 0)));
  const last = heads.length - 1;
  const line = (cells: readonly string[]) =>
    `${cells.map((cell, i) => (i === last ? cell : cell.padStart(widths[i] as number))).join(' ')}\n`;
  if (quiet) return rows.map(line).join('');
  const rule = widths.map((width, i) => (i < 5 ? ' '.repeat(width) : '='.repeat(i === last ? 3 : width))).join(' ');
  return `${line(heads)}${rows.map(line).join('')}${rule} \n${line(totals)}`;
}

export const pmap: LinuxCommand = {
  name: 'pmap',
  path: '/usr/bin/pmap',
  *run({ box, args }) {
    const { given, operands } = getopt('pmap', args, OPTIONS);
    if (operands.length === 0) throw new UsageError('pmap: argument missing\n');
    const layout = given.has('all') ? everything : given.has('extended') ? extended : plain;
    let code = 0;
    for (const operand of operands) {
      if (!/^\d+$/.test(operand)) throw new UsageError('\nUsage:\n pmap [options] PID [PID ...]\n');
      const process = box.machine.kernel.processes.all.get(Number(operand));
      if (process === undefined || process.ending !== undefined) {
        // At least one process was not found.
        code = 42;
        continue;
      }
      const body = layout(mappings(box.read(`/proc/${operand}/smaps`)), given.has('path'), given.has('quiet'));
      yield { out: `${operand}:   ${box.commandLine(process).join(' ')}\n${body}` };
    }
    return code;
  },
};
