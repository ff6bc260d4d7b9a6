import { expect, test } from 'vitest';
import { STORE } from '../../hardware/cpu.ts';
import { vpn } from '../../hardware/units.ts';
import { Machine } from '../../machine/machine.ts';
import { printEvent } from '../trace/print.ts';
import { TRACEPOINTS, tracepointsNamed } from '../tracepoints.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../uapi.ts';
import { PGSCAN_ANON, PGSTEAL_ANON, PSWPOUT } from '../vmstat.ts';

/** The events of a machine of 32 MiB whose program touches 64 MiB. */
function pressure(): { rows: { point: number; args: number[] }[]; machine: Machine } {
  const machine = new Machine({ memory: 32 << 20, swap: 128 << 20, transparentHugePages: 'never' });
  const { kernel } = machine;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const rows: { point: number; args: number[] }[] = [];
  kernel.trace.start((batch) => {
    batch.point.forEach((point, i) => {
      rows.push({ point, args: batch.args.map((column) => column[i] as number) });
    });
  }, tracepointsNamed('vmscan:*'));
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const at = kernel.addressSpaces.mmap(task, 0, 64 << 20, PROT_READ | PROT_WRITE, flags, undefined, 0);
  for (let page = 0; page < 16_384; page++) machine.touch(task, at + page * 4096, STORE);
  for (let n = 0; n < 3; n++) kernel.reclaim.direct();
  kernel.trace.stop();
  return { rows, machine };
}

const { rows, machine } = pressure();
const nameOf = (point: number): string => TRACEPOINTS[point]?.name ?? '';
const count = (name: string): number => rows.filter(({ point }) => nameOf(point) === name).length;
/** The sum of a field over all events of a name. */
function sum(name: string, field: string): number {
  const point = TRACEPOINTS.findIndex((tracepoint) => tracepoint.name === name);
  const column = TRACEPOINTS[point]?.fields.findIndex(({ name: other }) => other === field) ?? -1;
  return rows.reduce((all, row) => all + (row.point === point ? (row.args[column] ?? Number.NaN) : 0), 0);
}

test('do the events of reclaim add up to its counters?', () => {
  const { vmstat } = machine.kernel;
  expect(sum('mm_vmscan_lru_shrink_inactive', 'nr_scanned')).toBe(vmstat.value(PGSCAN_ANON));
  expect(sum('mm_vmscan_lru_shrink_inactive', 'nr_reclaimed')).toBe(vmstat.value(PGSTEAL_ANON));
  expect(count('mm_vmscan_write_folio')).toBe(vmstat.value(PSWPOUT));
  expect(sum('mm_vmscan_lru_isolate', 'nr_taken')).toBe(
    sum('mm_vmscan_lru_shrink_inactive', 'nr_scanned') + sum('mm_vmscan_lru_shrink_active', 'nr_taken'),
  );
});

test('does kswapd wake and every reclaim that begins end?', () => {
  expect(count('mm_vmscan_wakeup_kswapd')).toBeGreaterThan(10);
  expect(count('mm_vmscan_kswapd_wake')).toBeGreaterThanOrEqual(1);
  expect(count('mm_vmscan_direct_reclaim_begin')).toBeGreaterThanOrEqual(3);
  expect(count('mm_vmscan_direct_reclaim_end')).toBe(count('mm_vmscan_direct_reclaim_begin'));
});

test('are they printed in the words of the kernel?', () => {
  const first = (name: string): string => {
    const row = rows.find(({ point }) => nameOf(point) === name);
    return row === undefined ? '' : printEvent(row.point, row.args, String);
  };
  expect(first('mm_vmscan_wakeup_kswapd')).toBe(
    'mm_vmscan_wakeup_kswapd: nid=0 order=0 gfp_flags=GFP_HIGHUSER_MOVABLE',
  );
  expect(first('mm_vmscan_lru_isolate')).toMatch(
    /^mm_vmscan_lru_isolate: classzone=1 order=0 nr_requested=\d+ nr_scanned=\d+ nr_skipped=0 nr_taken=\d+ lru=(in)?active_anon$/,
  );
  expect(first('mm_vmscan_write_folio')).toMatch(/ pfn=0x[0-9a-f]+ flags=RECLAIM_WB_ANON\|RECLAIM_WB_ASYNC$/);
});
