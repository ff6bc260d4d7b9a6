import { expect, test } from 'vitest';
import { type BlockDeviceModel, hdd, nvme } from '../../hardware/block-device.ts';
import { pageOf } from '../../hardware/units.ts';
import { Machine } from '../../machine/machine.ts';
import { O_RDWR } from '../uapi.ts';

const SCATTERED = 128;

/** Nanoseconds that fsync takes for single pages far apart, and that it takes when nothing is left to write. */
function fsyncTimes(disk: BlockDeviceModel): [first: number, second: number] {
  const machine = new Machine({ memory: 64 << 20, disk });
  const { files, processes } = machine.kernel;
  const task = processes.spawn('writer', pageOf(2 ** 40));
  machine.runOn(0, task);
  files.create('/f', { size: 64 << 20 });
  const fd = files.open(task, '/f', O_RDWR);
  const file = task.process.files.get(fd);
  if (file === undefined) throw new Error('the file is not open');
  const page = new Uint8Array(4096);
  for (let i = 0; i < SCATTERED; i++) files.writer.write(task, file, i * 64 * 4096, page.length, page);
  const timed = (): number => {
    const began = machine.clock.now;
    expect(files.fsync(task, fd)).toBe(0);
    return machine.clock.now - began;
  };
  return [timed(), timed()];
}

test('does fsync submit all of its requests before it waits, as far as the device takes them?', () => {
  const [flash, nothing] = fsyncTimes(nvme);
  const transfer = (SCATTERED * 4096) / nvme.bandwidth;
  // The data of all pass one after the other, and the latency is waited for once; by turns it would be 128 times.
  expect(flash).toBeCloseTo(nvme.writeLatency + transfer, 3);
  expect(nothing).toBe(0);
  const [arm] = fsyncTimes(hdd);
  expect(arm).toBeGreaterThan(SCATTERED * (hdd.halfTurn + hdd.shortestSeek));
});
