import { expect, test } from 'vitest';
import { parseScenario } from './parser.ts';
import { ORACLE_MACHINE, recordingMachine } from './runner.ts';
import { machineOfVm, readVmSettings } from './vm-settings.ts';

test('What does a scenario say of its VM? What the line names, defaults for the rest', () => {
  expect(readVmSettings('# vm: memory=256M swap=64M')).toEqual({ memory: 256 << 20, swap: 64 << 20, mglru: 0 });
  expect(readVmSettings('# vm:')).toEqual({ memory: 512 << 20, swap: 0, mglru: 0 });
  expect(readVmSettings('# a vm: memory=1')).toBeUndefined();
});

test('Is a line refused that describes no VM? With its place and what was expected', () => {
  expect(() => parseScenario('x.txt', '# dir: ext4\n# vm: memory=512M cpu=2\n')).toThrow(
    'x.txt:2: "cpu=2" does not describe a VM; expected memory=SIZE, swap=SIZE or mglru=N',
  );
});

test.each([
  [256, 216_296],
  [512, 473_956],
  [1024, 989_288],
  [2048, 2_019_944],
])('How much memory has a VM of %i MiB? MemTotal %i kB, as Debian 6.18.15 shows', (mib, kb) => {
  const { memory } = machineOfVm({ memory: mib * 2 ** 20, swap: 0, mglru: 0 }, ORACLE_MACHINE);
  expect(Math.abs((memory ?? 0) / 1024 - kb)).toBeLessThan(24);
});

test('Which machine plays a scenario? The host of the recorded answers, or the VM that it names', () => {
  expect(recordingMachine(parseScenario('x.txt', 'spawn A\n'))).toBe(ORACLE_MACHINE);
  expect(recordingMachine(parseScenario('x.txt', '# vm: memory=1G\nspawn A\n')).cpus).toBe(1);
});
