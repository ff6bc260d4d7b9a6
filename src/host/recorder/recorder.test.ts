import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../program/recording/events.ts';
import type { RecordingReader } from '../../program/recording/reader.ts';
import { forEachRun } from '../../program/recording/runs.ts';
import { openRecording } from '../recording-file.ts';
import { findValgrind, type RecordingTool, recordingTool } from './build.ts';
import { importLackey, lackeyText } from './lackey-run.ts';
import { type RecordResult, record } from './record.ts';

// Valgrind and gcc must be there: a machine without them fails these tests rather than passing without them.
const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
let folder: string;
let subject: string;
let tool: RecordingTool;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorder-test-'));
  subject = join(folder, 'subject');
  execFileSync('gcc', ['-O1', '-pthread', '-o', subject, join(import.meta.dirname, 'fixtures', 'subject.c')]);
  tool = recordingTool();
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): string => join(folder, name);
const environment = { PATH: process.env.PATH };

async function recorded(
  name: string,
  command: readonly string[],
  more: { window?: number; asValgrind?: boolean } = {},
): Promise<{ result: RecordResult; reader: RecordingReader; close: () => void }> {
  const mode =
    more.window === undefined ? ({ kind: 'exact' } as const) : ({ kind: 'windowed', window: more.window } as const);
  const asValgrind = more.asValgrind ?? false;
  const result = await record({ tool, command, output: file(name), mode, date: '', environment, asValgrind });
  return { result, ...openRecording(file(name)) };
}

/** "kind page" of every run. */
function pageSet(reader: RecordingReader): Set<string> {
  const pages = new Set<string>();
  for (const block of reader.blocks())
    forEachRun(block, { run: (kind, page) => void pages.add(`${'FRW'[kind]} ${page}`) });
  return pages;
}

function events(reader: RecordingReader): (RecordedEvent & { stream: number })[] {
  const all: (RecordedEvent & { stream: number })[] = [];
  for (const block of reader.blocks()) {
    const event = (event: RecordedEvent): void => void all.push({ ...event, stream: block.stream });
    forEachRun(block, { run: () => {}, event });
  }
  return all;
}

/** Runs `faultline` as a person would; its group can be sent signals. */
function faultline(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stderr })),
  );
  return { child, ended };
}

describe('a recording of a small program', () => {
  it("has it the pages of lackey's trace, kind by kind, and its counts?", async () => {
    const command = ['/bin/echo', 'hello'];
    const { reader } = await recorded('echo.flt', command, { asValgrind: true });
    const options = ['-q', '--tool=lackey', '--trace-mem=yes', '--vgdb=no', '--vex-guest-chase=no'];
    execFileSync(tool.valgrind, [...options, `--log-file=${file('echo.txt')}`, '--', ...command], {
      env: { ...environment, VALGRIND_LIB: tool.library },
    });
    await importLackey(lackeyText(file('echo.txt')), file('echo-lackey.flt'), () => reader.header);
    const lackey = openRecording(file('echo-lackey.flt')).reader;
    expect(pageSet(reader)).toEqual(pageSet(lackey));
    const { instructions, loads, stores } = lackey.totals;
    expect(reader.totals).toMatchObject({ instructions, loads, stores });
  });

  it('does it begin with the program, its map and its files?', async () => {
    const { reader, result } = await recorded('exit.flt', [subject, 'e']);
    expect(result.exitCode).toBe(7);
    const [start, ...rest] = events(reader);
    expect(start).toMatchObject({ type: 'start', executable: subject, argv: [subject, 'e'], environmentVariables: 1 });
    const segments = rest.flatMap((event) => (event.type === 'segment' ? [event] : []));
    expect(segments.some(({ path }) => path === subject)).toBe(true);
    expect(segments.every(({ path }) => !path.includes('pagetrace'))).toBe(true);
    expect(reader.files.find(({ path }) => path === subject)?.elf?.interpreter).toMatch(/ld-linux/);
    expect(rest.at(-1)).toMatchObject({ type: 'end', exitCode: 7 });
    expect(reader.header).toMatchObject({ command: [subject, 'e'], mode: { kind: 'exact' } });
  });

  it('does a heap of 100 MB grow by brk as natively?', async () => {
    execFileSync(subject, ['b', file('native-heap')]);
    const { reader } = await recorded('heap.flt', [subject, 'b', file('heap')]);
    expect(readFileSync(file('heap'), 'utf8')).toBe(readFileSync(file('native-heap'), 'utf8'));
    const BRK = 12;
    const brks = events(reader).flatMap((event) =>
      event.type === 'syscall' && event.number === BRK ? [event.result] : [],
    );
    expect(Math.max(...brks) - Math.min(...brks)).toBeGreaterThan(95e6);
  });

  it('do descriptors have their native numbers?', async () => {
    execFileSync(subject, ['d', file('native-fd')]);
    await recorded('fd.flt', [subject, 'd', file('fd')]);
    expect(readFileSync(file('fd'), 'utf8')).toBe(readFileSync(file('native-fd'), 'utf8'));
  });

  it('has a windowed recording the pages of the exact one, in far fewer records?', async () => {
    const exact = await recorded('exact.flt', [subject, 'b']);
    const windowed = await recorded('windowed.flt', [subject, 'b'], { window: 1_000_000 });
    // A page first read and then written again in a later window may be told as written alone.
    const touched = (reader: RecordingReader): Set<string> =>
      new Set([...pageSet(reader)].map((page) => page.replace(/^[RW]/, 'D')));
    expect(touched(windowed.reader)).toEqual(touched(exact.reader));
    expect(windowed.reader.totals.instructions).toBe(exact.reader.totals.instructions);
    expect(windowed.result.records).toBeLessThan(exact.result.records);
    expect(windowed.reader.header.mode).toEqual({ kind: 'windowed', window: 1_000_000 });
  });
});

describe('children, threads and signals', () => {
  it('is every child a stream of its own behind the fork that made it?', async () => {
    const { reader } = await recorded('children.flt', [subject, 'c']);
    expect(reader.processes).toHaveLength(5);
    const place = (stream: number, sequence: number): number =>
      reader.rows.findIndex((row) => row[1] === stream && row[2] === sequence);
    for (const { stream, parent, parentBlock } of reader.processes.slice(1)) {
      expect(parent).toBeDefined();
      expect(place(stream, 0)).toBeGreaterThan(place(parent ?? 0, parentBlock ?? 0));
    }
    const all = events(reader);
    const returned = all.flatMap((event) =>
      event.type === 'syscall' && [56, 57, 58].includes(event.number) ? [event.result] : [],
    );
    for (const { pid } of reader.processes.slice(1)) expect(returned).toContain(pid);
    // execve stays in the stream: two starts, one of them in a child.
    expect(all.filter(({ type }) => type === 'start').map(({ stream }) => stream)).toHaveLength(2);
    expect(all.filter(({ type }) => type === 'forked')).toHaveLength(4);
  });

  it('are threads told when they begin, run and end?', async () => {
    const { reader } = await recorded('threads.flt', [subject, 't']);
    const all = events(reader);
    expect(all.filter(({ type }) => type === 'threadCreate')).toHaveLength(4);
    expect(all.filter(({ type }) => type === 'threadExit')).toHaveLength(4);
    const ran = new Set(all.flatMap((event) => (event.type === 'thread' ? [event.tid] : [])));
    // Numbers of threads that have ended are given again.
    expect(ran.size).toBeGreaterThan(1);
  });

  it('is a signal told with its frame?', async () => {
    const { reader } = await recorded('signal.flt', [subject, 's']);
    const all = events(reader);
    const at = all.findIndex(({ type }) => type === 'signal');
    expect(all[at]).toMatchObject({ signal: 10 });
    expect(all.slice(at).some(({ type }) => type === 'signalFrame')).toBe(true);
  });
});

describe('a recording that ends badly', () => {
  it('does a crash leave all of it, and the exit code of the signal?', async () => {
    const { reader, result } = await recorded('crash.flt', [subject, 'x']);
    expect(result).toMatchObject({ exitCode: 139, signal: 'SIGSEGV' });
    expect(reader.damage).toBeUndefined();
    expect(reader.totals.instructions).toBeGreaterThan(10_000);
  });

  it('does SIGKILL leave the whole blocks before it?', async () => {
    const { reader, result } = await recorded('killed.flt', [subject, 'k']);
    expect(result.exitCode).toBe(137);
    expect(reader.damage).toBeUndefined();
    // The fork, just before the loop, sent a block; another followed every half second.
    expect(reader.rows.filter((row) => row[1] === 0).length).toBeGreaterThan(1);
    expect(reader.totals.instructions).toBeGreaterThan(100_000);
  });

  it('does Ctrl-C leave a whole recording and the exit code of the signal?', async () => {
    const { child, ended } = faultline(['record', '-o', file('interrupted.flt'), '--', subject, 'l']);
    // The header is there at once; the first block comes half a second after the start.
    const grown = (): boolean => (statSync(file('interrupted.flt'), { throwIfNoEntry: false })?.size ?? 0) > 2000;
    while (!grown()) await new Promise((resolve) => setTimeout(resolve, 50));
    process.kill(-(child.pid ?? 0), 'SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/interrupted\.flt: .* accesses in .* bytes per access/);
    const { reader } = openRecording(file('interrupted.flt'));
    expect(reader.damage).toBeUndefined();
    expect(reader.totals.instructions).toBeGreaterThan(50_000);
  });

  it('is a command that does not exist reported as the shell would?', async () => {
    const { code, stderr } = await faultline(['record', '-o', file('none.flt'), '--', 'no-such-command-here']).ended;
    expect(code).toBe(127);
    expect(stderr).toContain('no-such-command-here');
  });

  it.each(['0', 'many', '-5', '3G'])('is a window of %s refused?', async (window) => {
    const { code, stderr } = await faultline(['record', `--window=${window}`, '--', 'true']).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('--window takes a number of instructions');
  });

  it('is a folder that cannot be written named in one sentence?', async () => {
    const { code, stderr } = await faultline(['record', '-o', '/no/such/folder/x.flt', '--', 'true']).ended;
    expect(code).toBe(2);
    expect(stderr).toBe('faultline: cannot write /no/such/folder/x.flt: there is no such folder\n');
  });
});

describe("lackey's text", () => {
  it('is it read, with a warning, where the tool cannot be built?', async () => {
    const bin = mkdtempSync(join(folder, 'bin-'));
    symlinkSync(findValgrind().valgrind, join(bin, 'valgrind'));
    const env = { PATH: bin, VALGRIND_LIB: tool.library };
    const { code, stderr } = await faultline(['record', '-o', file('fallback.flt'), '--', subject, 'e'], env).ended;
    expect(code).toBe(7);
    expect(stderr).toContain('there is no C compiler');
    expect(stderr).toContain('the recording lacks system calls');
    const { reader } = openRecording(file('fallback.flt'));
    expect(reader.header.source).toBe('lackey');
    expect(reader.totals.instructions).toBeGreaterThan(10_000);
  });

  it('does a damaged line end an import by file and line, and is what came before kept?', async () => {
    writeFileSync(file('text.txt'), '==9== Command: ls /\nI  1000,4\n L 2000,8\n?\nI  3000,4\n');
    const { code, stderr } = await faultline(['import', 'lackey', file('text.txt'), '-o', file('text.flt')]).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(`${file('text.txt')}:4: "?" is no line of lackey's`);
    const { reader } = openRecording(file('text.flt'));
    expect(reader.header.command).toEqual(['ls', '/']);
    expect([...pageSet(reader)]).toEqual(['F 1', 'R 2']);
  });

  it('is no recording made of a text that is damaged from the start?', async () => {
    writeFileSync(file('text.txt'), `${'x'.repeat(9000)}\nI  1000,4\n`);
    const { code, stderr } = await faultline(['import', 'lackey', file('text.txt'), '-o', file('none.flt')]).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('..." (9000 characters) is no line of lackey\'s; nothing came before it');
    expect(existsSync(file('none.flt'))).toBe(false);
  });

  it('is a file that is not there named?', async () => {
    const { code, stderr } = await faultline(['import', 'lackey', file('nothing.txt'), '-o', file('nothing.flt')])
      .ended;
    expect(code).toBe(2);
    expect(stderr).toContain(`cannot read ${file('nothing.txt')}: there is no such file`);
    expect(existsSync(file('nothing.flt'))).toBe(false);
  });
});
