import { expect, test } from 'vitest';
import { Machine } from '../../../machine/machine.ts';
import { EACCES, EINVAL } from '../../errno.ts';
import { zram } from '../../swap/swap-devices.ts';

function machine() {
  const box = new Machine({ memory: 64 << 20 });
  const task = box.kernel.processes.spawn('cat', 0x7ffff7fff as never);
  box.runOn(0, task);
  return { files: box.kernel.systemFiles, kernel: box.kernel, task };
}

test('does every file below /proc read, and every directory list what can be opened?', () => {
  const { files } = machine();
  const seen: string[] = [];
  const walk = (path: string): void => {
    for (const [name, kind] of files.directory(path) ?? []) {
      const at = `${path}/${name}`;
      if (kind === 'directory') walk(at);
      else {
        const file = files.file(at);
        expect(file, at).toBeDefined();
        seen.push(at);
        if (file?.read !== undefined) expect(typeof file.read(), at).toBe('string');
      }
    }
  };
  walk('/proc');
  expect(seen).toEqual(expect.arrayContaining(['/proc/meminfo', '/proc/2/smaps', '/proc/sys/vm/swappiness']));
});

test('does writing a sysctl act, and does a wrong value give EINVAL as in write(2)?', () => {
  const { files, kernel } = machine();
  const swappiness = files.file('/proc/sys/vm/swappiness');
  expect(swappiness?.write?.('1\n')).toBe(0);
  expect([kernel.params.swappiness, swappiness?.read?.()]).toEqual([1, '1\n']);
  for (const wrong of ['201', 'x', '']) expect(swappiness?.write?.(wrong)).toBe(-EINVAL);
  expect(kernel.params.swappiness).toBe(1);
});

test('is /proc/self the process that runs, and does its oom_score_adj move its oom_score?', () => {
  const { files, task } = machine();
  expect(files.file('/proc/self/comm')?.read?.()).toBe('cat\n');
  expect(files.file('/proc/self/oom_score')?.read?.()).toBe('666\n');
  expect(files.file('/proc/self/oom_score_adj')?.write?.('-1000')).toBe(0);
  expect([task.process.oomScoreAdj, files.file(`/proc/${task.tid}/oom_score`)?.read?.()]).toEqual([-1000, '0\n']);
  expect(files.file('/proc/self/oom_score_adj')?.write?.('1001')).toBe(-EINVAL);
});

test('who may lower oom_score_adj, and does all that shares the memory share the value?', () => {
  const { files, kernel, task } = machine();
  const child = kernel.processes.fork(task, { vm: true });
  if (typeof child === 'number') expect.fail('fork');
  const write = (name: string, text: string): number | undefined =>
    files.file(`/proc/${task.tid}/${name}`)?.write?.(text);
  const values = (): number[] => [task.process.oomScoreAdj, child.process.oomScoreAdj];
  expect([write('oom_score_adj', '-500'), values()]).toEqual([0, [-500, -500]]);
  expect([write('oom_score_adj', 'x'), write('oom_score_adj', '-1001')]).toEqual([-EINVAL, -EINVAL]);
  task.process.credentials.sysResource = false;
  expect([write('oom_score_adj', '300'), values()]).toEqual([0, [300, 300]]);
  // What root has set is the least from then on.
  expect([write('oom_score_adj', '-500'), write('oom_score_adj', '-501'), values()]).toEqual([
    0,
    -EACCES,
    [-500, -500],
  ]);
  expect([write('oom_adj', '15'), values()]).toEqual([0, [1000, 1000]]);
  expect(files.file(`/proc/${task.tid}/oom_adj`)?.read?.()).toBe('15\n');
  expect([write('oom_adj', '-17'), write('oom_adj', '16'), values()]).toEqual([-EACCES, -EINVAL, [1000, 1000]]);
});

test('is there nothing where Linux has nothing?', () => {
  const { files } = machine();
  for (const path of ['/proc/99/status', '/proc/self/nothing', '/proc/sys/vm/nothing', '/etc/passwd'])
    expect(files.file(path), path).toBeUndefined();
  expect(files.directory('/proc/99')).toBeUndefined();
});

test('do the limits of a process look as in /proc/self/limits?', () => {
  const { files } = machine();
  const lines = String(files.file('/proc/self/limits')?.read?.()).split('\n');
  expect(lines[0]).toBe('Limit                     Soft Limit           Hard Limit           Units     ');
  expect(lines).toContain('Max stack size            8388608              unlimited            bytes     ');
  expect(lines).toContain('Max nice priority         0                    0                    ');
});

test('is a compressed disk in /sys, in use or not, with the columns of the kernel?', () => {
  const { kernel, files } = machine();
  const read = (name: string) => files.file(`/sys/block/zram0/${name}`)?.read?.();
  expect(read('mm_stat')).toBe('       0        0        0        0        0        0        0        0        0\n');
  expect(kernel.swapon({ path: '/dev/zram0', device: zram, slots: 256 })).toBe(0);
  expect([read('disksize'), read('io_stat')]).toEqual(['1048576\n', '       0        0 0        0\n']);
});

test('can swap readahead by neighbours in memory be switched off, and nothing else be written?', () => {
  const { kernel, files } = machine();
  const file = files.file('/sys/kernel/mm/swap/vma_ra_enabled');
  expect(file?.read?.()).toBe('true\n');
  expect([file?.write?.('maybe\n'), file?.write?.('false\n')]).toEqual([-EINVAL, 0]);
  expect([file?.read?.(), kernel.params.vmaReadahead]).toEqual(['false\n', 0]);
});
