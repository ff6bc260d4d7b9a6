import { expect, test } from 'vitest';
import type { MachineOptions } from '../../machine/options.ts';
import type { Answer } from './answer.ts';
import { parseScenario } from './parser.ts';
import { runScenario, scenarioHeader } from './runner.ts';

const SMALL: MachineOptions = { memory: 64 << 20 };

/** The answers to some lines on a small machine, by number from 1; [0] is unused. */
function answers(...lines: string[]): Answer[] {
  return [{}, ...runScenario(parseScenario('t.txt', lines.join('\n')), SMALL)];
}

test('does an answer have the keys of the oracle in its order?', () => {
  const [, , mapped, touched, , bad] = answers(
    'spawn A',
    'A mmap r len=4p',
    'A touch r w each=1',
    'A munmap r',
    'A touch r+4K r',
  );
  expect(Object.keys(mapped as Answer)).toEqual(['i', 'op', 'minflt', 'majflt', 'at', 'addr']);
  expect(touched).toEqual({ i: 3, op: 'A touch r w each=1', ret: 0, minflt: 4, majflt: 0, acc: 4, each: '1*4' });
  expect(bad?.sig).toEqual({ sig: 'SIGSEGV', code: 'SEGV_MAPERR', addr: 'r+0x1000' });
  expect(bad?.ret).toBeUndefined();
});

test("does a child know its parent's regions, and go its own way in them?", () => {
  const [, , , , , , child, parent] = answers(
    'spawn A',
    'A mmap r len=1p',
    'A fill r seed=2',
    'A fork B',
    'B fill r seed=3',
    'B sum r',
    'A sum r',
  ) as Answer[];
  expect(child?.sum).not.toBe(parent?.sum);
  expect(child?.words).toBe(512);
});

test('is the position of an inherited file shared?', () => {
  const all = answers(
    'file f size=2p',
    'spawn A',
    'A open f f',
    'A fork B',
    'B read f size=4K buf=scratch',
    'A peek scratch len=8',
    'A read f size=8K',
  );
  // Page 0 begins with the word 1; what one process reads into the common buffer, the other sees.
  expect(all[6]?.bytes).toBe('0100000000000000');
  expect(all[7]?.ret).toBe(4096);
});

test('is a death told once, with the next answer, and are later operations of the dead refused?', () => {
  const all = answers('spawn A', 'A exit 3', 'A brk 0', 'spawn A', 'A kill', 'A maps');
  expect(all[2]?.deaths).toMatchObject([{ proc: 'A', exit: 3 }]);
  expect(all[3]).toEqual({ i: 3, op: 'A brk 0', dead: 1 });
  expect(all[4]?.deaths).toBeUndefined();
  expect(all[5]).toMatchObject({ ret: 0, deaths: [{ proc: 'A', signal: 9 }] });
  expect(all[6]?.dead).toBe(1);
});

test('does a region that could not be mapped leave an error, and the rest go on?', () => {
  const all = answers('spawn A', 'A mmap r len=0', 'A touch r w', 'A mmap s len=1p');
  expect(all[2]?.errno).toBe('EINVAL');
  expect(all[3]?.error).toBe('r was never mapped');
  expect(all[4]?.at).toBe('top-0x1000');
});

test('are the accesses of touch in the order asked for, with the values asked for?', () => {
  const all = answers(
    'spawn A',
    'A mmap r len=4p',
    'A touch r w val=7 order=rev each=1',
    'A peek r len=1',
    'A peek r+3p len=1',
    'A touch r rw',
    'A touch r rmw len=1p',
    'A peek r len=1',
    'A touch r w val=255 len=2p',
    'A peek r+1p len=1',
  );
  expect([all[4]?.bytes, all[5]?.bytes, all[8]?.bytes]).toEqual(['07', '0a', '09']);
  // Byte 0 is never stored: it would look like an untouched page.
  expect(all[10]?.bytes).toBe('ff');
});

test('does fill write the words that sum and peek read?', () => {
  const all = answers('spawn A', 'A mmap r len=2p', 'A fill r seed=1', 'A peek r len=16', 'A sum r+4088 len=16');
  expect(all[4]?.bytes).toBe('157c4a7fb979379e167c4a7fb979379e');
  expect(all[5]?.words).toBe(2);
});

test('do operations without a subsystem say so, and are mistakes at run time told with their line?', () => {
  const all = answers('swapon file=zram', 'cgroup g', 'spawn A cg=g', 'cat /proc/nothing', 'sysctl vm.nothing=1');
  expect(all[4]?.unsupported).toBe('file /proc/nothing');
  expect(all[5]?.unsupported).toBe('sysctl vm.nothing');
  expect(() => answers('spawn A', 'spawn A')).toThrow('t.txt:2: a process "A" lives already');
  expect(() => answers('', 'spawn A cg=none')).toThrow('t.txt:2: no cgroup "none" was made');
});

test('does a machine that is too small say so with the line?', () => {
  const stopping = [
    'sysctl vm.panic_on_oom=1',
    'spawn A',
    'A mmap r len=128M flags=private,anon,noreserve',
    'A touch r w',
  ];
  expect(() => answers(...stopping)).toThrow(
    't.txt:4: the machine has stopped: Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled',
  );
  const run = (sysctls: Record<string, number>) => () =>
    runScenario(parseScenario('t.txt', '# none\nspawn A\n'), { memory: 64 << 20, sysctls });
  expect(run({ 'vm.overcommit_memory': 2 })).toThrow(/^t\.txt:2: this machine starts no process .*: fork .* ENOMEM$/);
  expect(run({ 'vm.max_map_count': 0 })).toThrow(/^t\.txt:1: this machine starts no process .*: exec .* ENOMEM$/);
  expect(run({ 'vm.min_free_kbytes': 2 ** 31 - 1 })).toThrow(
    't.txt:1: the machine has stopped: Kernel panic - not syncing: System is deadlocked on memory',
  );
});

test('is a length below nothing too much for mmap, as to the kernel?', () => {
  const all = answers('spawn A', 'A mmap r len=-1p', 'A mmap s len=-1', 'A mmap t len=-100p');
  expect(all.slice(2).map(({ errno }) => errno)).toEqual(['ENOMEM', 'ENOMEM', 'ENOMEM']);
});

test('are negative offsets and lengths of other operations taken as the kernel takes them?', () => {
  const lines = ['file g size=8p', 'spawn A', 'A mmap r len=4p', 'A open f g', 'A readahead f off=-1p len=4p'];
  const all = answers(...lines, 'A readahead f off=-1 len=4p', 'A pages r len=-1p');
  expect(all.slice(5, 7).map(({ ret }) => ret)).toEqual([0, 0]);
  expect(JSON.stringify(all[7]?.regions)).toMatch(/^\[\{"region":"r","pagemap":"\.\*\d+ A\*\d .*"/);
});

test('does the same scenario give the same answers again?', () => {
  const lines = [
    'spawn A',
    'A mmap r len=64p',
    'A touch r w order=rand:5 each=1',
    'A fork B',
    'B stat r',
    'meminfo MemFree',
  ];
  expect(answers(...lines)).toEqual(answers(...lines));
});

test('does the header name the scenario without its folder?', () => {
  const scenario = parseScenario('/some/where/x.txt', '# dir: ext4\nspawn A');
  expect(scenarioHeader(scenario)).toEqual({ scenario: 'x.txt', runs: 1, kernel: 'faultline', workdir: 'ext4' });
});
