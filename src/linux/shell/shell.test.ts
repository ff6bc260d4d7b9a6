import { expect, test } from 'vitest';
import { blockDeviceNamed } from '../../hardware/block-device.ts';
import { checkInvariants } from '../../kernel/invariants.ts';
import { Machine } from '../../machine/machine.ts';
import { LinuxBox } from '../linux-box.ts';
import { Shell } from './shell.ts';

const MIB = 2 ** 20;
const shellOn = (memory = 256 * MIB, swap = 64 * MIB) =>
  new Shell(new LinuxBox(new Machine({ memory, swap, disk: blockDeviceNamed('nvme') })));

/** Standard output of a line that must succeed. */
async function output(shell: Shell, line: string): Promise<string> {
  const { stdout, stderr, exitCode } = await shell.run(line);
  expect([stderr, exitCode], line).toEqual(['', 0]);
  return stdout;
}

test('do pipes, text tools and /proc work together?', async () => {
  const shell = shellOn();
  expect(await output(shell, 'cat /proc/$$/status | grep VmSwap')).toBe('VmSwap:\t       0 kB\n');
  expect(await output(shell, "free | awk '/^Mem/{print $2}'")).toBe(`${256 * 1024}\n`);
  expect(await output(shell, 'ls /proc/sys/vm | grep swappiness')).toBe('swappiness\n');
});

test('do variables, functions of a line, and the directory stay from line to line?', async () => {
  const shell = shellOn();
  await output(shell, 'size=42; cd /proc/sys/vm');
  expect(await output(shell, 'echo $size; cat swappiness; pwd')).toBe('42\n60\n/proc/sys/vm\n');
});

test('does a write to /proc act on the machine, and does a wrong one fail as in bash?', async () => {
  const shell = shellOn();
  await output(shell, 'echo 1 > /proc/sys/vm/swappiness');
  expect(shell.box.machine.kernel.params.swappiness).toBe(1);
  const refused = await shell.run('echo 201 > /proc/sys/vm/swappiness');
  expect([refused.stderr, refused.exitCode]).toEqual(['bash: write error: Invalid argument\n', 1]);
  expect(await output(shell, 'sysctl vm.swappiness=10; sysctl -n vm.swappiness')).toBe('vm.swappiness = 10\n10\n');
});

test('does a command behind run while the shell sleeps, and has $! its number?', async () => {
  const shell = shellOn();
  const line =
    'stress-ng --vm 1 --vm-bytes 100M --vm-keep -t 60s & echo $!; sleep 2; free -m | awk \'/^Mem/{print $3 > "/tmp/used"}\'';
  const pid = Number(await output(shell, line));
  const { all } = shell.box.machine.kernel.processes;
  expect(all.get(pid)?.comm).toBe('stress-ng');
  expect(Number(await output(shell, 'cat /tmp/used'))).toBeGreaterThan(100);
  expect(await output(shell, 'jobs')).toMatch(/^\[1\]\+ {2}Running {17}stress-ng .* &\n$/);
  await output(shell, 'kill %1');
  expect([...all.values()].map(({ comm }) => comm)).toEqual(['bash']);
  checkInvariants(shell.box.machine.kernel);
});

test('has vmstat si and so when a program needs more than there is?', async () => {
  const shell = shellOn(128 * MIB, 256 * MIB);
  const lines = (await output(shell, 'stress-ng --vm 1 --vm-bytes 160M --vm-keep & vmstat 1 3')).trimEnd().split('\n');
  const last = lines.at(-1)?.trim().split(/\s+/).map(Number) ?? [];
  expect(last).toHaveLength(17);
  const [running, , swapped = 0, , , , swappedIn = 0, swappedOut = 0] = last;
  expect(running).toBe(1);
  expect(Math.min(swapped, swappedIn, swappedOut)).toBeGreaterThan(1000);
});

test('does /usr/bin/time report the faults of the child, and a missing program as the real one does?', async () => {
  const shell = shellOn();
  const timed = await shell.run('/usr/bin/time -v stress-ng --vm 1 --vm-bytes 40M --vm-ops 1 > /dev/null');
  // GNU time counts what its children's children took only when they are waited for; here the stressor is one.
  expect(timed.stderr).toMatch(/^\tCommand being timed: "stress-ng --vm 1 --vm-bytes 40M --vm-ops 1"\n/);
  expect(timed.stderr).toMatch(/\tMinor \(reclaiming a frame\) page faults: \d+\n/);
  const missing = await shell.run('/usr/bin/time java');
  expect([missing.stderr.split('\n')[0], missing.exitCode]).toEqual([
    '/usr/bin/time: cannot run java: No such file or directory',
    127,
  ]);
});

test('does swapoff empty the swap area, and is `swapon -s` what /proc/swaps shows?', async () => {
  const shell = shellOn();
  expect(await output(shell, 'swapon -s')).toBe(await output(shell, 'cat /proc/swaps'));
  expect(await output(shell, 'swapoff -a; swapon -s; swapon --show')).toBe('');
});

test('is a wrong option refused in the words of the real tool?', async () => {
  const shell = shellOn();
  const wrong = await shell.run('free -x');
  expect([wrong.stderr, wrong.exitCode]).toEqual(["free: invalid option -- 'x'\n", 1]);
  expect((await shell.run('nosuch')).stderr).toBe('bash: nosuch: command not found\n');
  expect((await shell.run('kill 4242')).stderr).toBe('bash: kill: (4242) - No such process\n');
});

test('does an endless report in a script end, and say why?', async () => {
  const { stdout, stderr } = await shellOn().run('vmstat 1 | head -4 | tail -1');
  expect(stdout.trim().split(/\s+/)).toHaveLength(17);
  expect(stderr).toContain('nobody presses Ctrl-C here');
});

test('does the same session give the same output twice?', async () => {
  const session = async () => {
    const shell = shellOn();
    return output(shell, 'stress-ng --vm 2 --vm-bytes 280M --vm-ops 1 & vmstat 1 2; ps aux; top -n1');
  };
  expect(await session()).toBe(await session());
});

test('is a command in a scope killed at its limit, and does dmesg tell which group ran out?', async () => {
  const shell = shellOn();
  const { stderr, stdout } = await shell.run(
    "systemd-run --scope -p MemoryMax=40M -p MemorySwapMax=0 stress-ng --vm 1 --vm-bytes 60M --vm-ops 1; dmesg | grep -i 'killed process'",
  );
  expect(stderr).toMatch(/^Running scope as unit: run-r\d+\.scope\nKilled\n$/);
  expect(stdout).toMatch(
    /Memory cgroup out of memory: Killed process \d+ \(stress-ng\) total-vm:\d+kB, anon-rss:\d+kB/,
  );
  const anonKb = Number(/anon-rss:(\d+)kB/.exec(stdout)?.[1]);
  // All of the limit but the group's page tables, files and kernel stacks.
  expect(anonKb).toBeLessThan(40 * 1024);
  expect(anonKb).toBeGreaterThan(30 * 1024);
});

test('does a container know that it was killed for memory, and is nothing killed with room in swap?', async () => {
  const shell = shellOn();
  const hog = 'stress-ng --vm 1 --vm-bytes 60M --vm-ops 1 > /dev/null';
  await shell.run(
    `docker run --memory=40m --name roomy ${hog}; docker run --memory=40m --memory-swap=40m --name tight ${hog}`,
  );
  const format = "'{{.State.OOMKilled}}'";
  expect(await output(shell, `docker inspect -f ${format} roomy; docker inspect -f ${format} tight`)).toBe(
    'false\ntrue\n',
  );
});

test('can groups be made, filled and looked at by hand?', async () => {
  const shell = shellOn();
  const group = '/sys/fs/cgroup/web';
  await output(shell, `mkdir ${group}; echo 48M > ${group}/memory.max; echo $$ > ${group}/cgroup.procs`);
  expect(await output(shell, `cat ${group}/memory.max ${group}/cgroup.procs`)).toBe(
    `${48 * MIB}\n${shell.box.shell.tid}\n`,
  );
  const busy = await shell.run(`rmdir ${group}`);
  expect([busy.exitCode, busy.stderr]).toEqual([1, `rmdir: failed to remove '${group}': Device or resource busy\n`]);
  await output(shell, `echo $$ > /sys/fs/cgroup/cgroup.procs; rmdir ${group}`);
  expect(await output(shell, 'ls /sys/fs/cgroup | grep -c web || true')).toBe('0\n');
});
