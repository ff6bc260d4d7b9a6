import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MM_ANONPAGES, MM_FILEPAGES } from '../address-space/mm.ts';
import { FileTable } from '../process/file-table.ts';
import { defaultRlimits, Process, rootCredentials, Task } from '../process/process.ts';
import { statText } from './stat.ts';
import { statmText, statusText } from './status.ts';
import { HandMadeProcess } from './testing.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8');

/** The numbers of /proc/self/status of a real `cat`, in the kernel's units. */
function cat(): Process {
  const { mm } = new HandMadeProcess();
  const kb = new Map(
    fixture('status')
      .trim()
      .split('\n')
      .map((line) => [line.split(':')[0], Number(line.match(/\d+/)?.[0])]),
  );
  const pages = (key: string) => (kb.get(key) as number) / 4;
  mm.totalVm = pages('VmSize');
  mm.hiwaterVm = pages('VmPeak');
  mm.rss[MM_ANONPAGES] = pages('RssAnon');
  mm.rss[MM_FILEPAGES] = pages('RssFile');
  mm.dataVm = pages('VmData');
  mm.stackVm = pages('VmStk');
  mm.execVm = pages('VmExe') + pages('VmLib');
  mm.startCode = 0x555555556000 as typeof mm.startCode;
  mm.endCode = (mm.startCode + pages('VmExe') * 4096 - 100) as typeof mm.endCode;
  mm.pgtablesBytes = pages('VmPTE') * 4096;
  const process = new Process({
    pid: 42,
    comm: 'cat',
    mm,
    files: new FileTable(),
    rlimits: defaultRlimits(),
    credentials: rootCredentials(),
  });
  process.tasks.push(new Task(42, process));
  return process;
}

test('are the memory lines of status byte for byte those of the real kernel?', () => {
  const memory = statusText(cat())
    .split('\n')
    .filter((line) => /^(Vm|Rss|Huge)/.test(line));
  expect(`${memory.join('\n')}\n`).toBe(fixture('status'));
});

test('has a process that ended no memory lines?', () => {
  const process = cat();
  process.ending = { exit: 3 };
  expect(statusText(process)).not.toMatch(/Vm/);
  expect(statText(process).trim().split(' ').at(-1)).toBe('768');
});

test('has stat the fields of the real one, with the faults in the tenth and twelfth?', () => {
  const process = cat();
  (process.tasks[0] as Task).minFlt = 7;
  process.endedMinFlt = 3;
  process.endedMajFlt = 1;
  const fields = statText(process).trim().split(' ');
  expect(fields).toHaveLength(fixture('stat').trim().split(' ').length);
  expect([fields[9], fields[11], fields[22], fields[23]]).toEqual([
    '10',
    '1',
    String(process.mm.totalVm * 4096),
    String(process.mm.rssPages),
  ]);
});

test('does statm count shared pages and text as the kernel does?', () => {
  const process = cat();
  const { mm } = process;
  const text = Math.ceil(mm.endCode / 4096) - mm.startCode / 4096;
  expect(statmText(process)).toBe(
    `${mm.totalVm} ${mm.rssPages} ${mm.rss[MM_FILEPAGES]} ${text} 0 ${mm.dataVm + mm.stackVm} 0\n`,
  );
});
