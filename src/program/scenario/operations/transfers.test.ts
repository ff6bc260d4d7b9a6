import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Answer } from '../answer.ts';
import { parseScenario } from '../parser.ts';
import { recordingMachine, runScenario } from '../runner.ts';

const SET = new URL('../../../../conformance/', import.meta.url);

/** Events without what is another machine's: device, inode, and the fields that our rows have no room for. */
const bare = (lines: unknown): string[] =>
  (lines as string[]).map((line) =>
    line
      .replace(/dev[ =]\d+:\d+ /, '')
      .replace(/ino=\w+ /, '')
      .replace(/ order=\d+(?= size=\d+ async_size=\d+ ra_pages=\d+ mmap_miss)/, '')
      .replace(/ ra_pages=.*/, ''),
  );

test('do sendfile and copy_file_range pass the events of readahead and of the cache that the kernel passes, in its order?', () => {
  const text = readFileSync(new URL('scenarios/pc_112_splice_trace.txt', SET), 'utf8');
  const recorded = JSON.parse(readFileSync(new URL('answers/pc_112_splice_trace.json', SET), 'utf8')) as Answer[];
  const scenario = parseScenario('pc_112', text);
  const traces = (answers: readonly Answer[]): string[][] =>
    answers.filter((answer) => answer.trace !== undefined).map((answer) => bare(answer.trace));
  const kernel = traces(recorded);
  expect(kernel.map((lines) => lines.length)).toEqual([35, 66]);
  expect(traces(runScenario(scenario, recordingMachine(scenario), {}))).toEqual(kernel);
});

test('is what went through sendfile and copy_file_range in /proc/PID/io a read and a write, unless it was refused?', () => {
  const lines = ['file f size=64K', 'file o size=0', 'spawn A', 'A open f f', 'A open o o', 'A memfd m size=4K'];
  const io = (operation: string): Answer =>
    runScenario(parseScenario('t.txt', [...lines, operation, 'A io'].join('\n')), { memory: 64 << 20 }).at(-1) ?? {};
  expect(io('A sendfile null f size=1M n=2')).toMatchObject({ rchar: 65536, wchar: 65536, syscr: 2, syscw: 2 });
  expect(io('A copy_file_range f o size=5000')).toMatchObject({
    rchar: 5000,
    wchar: 5000,
    syscr: 1,
    write_bytes: 8192,
  });
  expect(io('A copy_file_range m o')).toMatchObject({ rchar: 0, wchar: 0, syscr: 0, syscw: 0 });
  expect(io('A sendfile nobody f')).toMatchObject({ rchar: 0, syscr: 0 });
});
