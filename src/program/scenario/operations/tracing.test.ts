import { expect, test } from 'vitest';
import { parseScenario } from '../parser.ts';
import { runScenario } from '../runner.ts';

const SCENARIO = `
spawn A
A mmap r len=4p
A touch r w
drain
file f size=256K cached
A open f f
A mmap m len=64p fd=f flags=private prot=r
evict f
trace on exceptions/page_fault_user,kmem/rss_stat,tlb/tlb_flush,filemap,readahead,syscalls/sys_enter_munmap,syscalls/sys_exit_munmap
A touch m r len=20p
A munmap r
A munmap m
trace off
`;

/** What Linux 6.18 printed for these lines, but for task switches and the pages that readahead added. */
const REAL = [
  'page_fault_user: address=0x7ffff7fb3000 error_code=0x4',
  'mm_filemap_fault: ofs=0',
  'page_cache_ra_order: index=0 order=0 size=32 async_size=8',
  'page_cache_ra_unbounded: index=0 nr_to_read=32 lookahead_size=8',
  'rss_stat: curr=1 type=MM_FILEPAGES size=151552B',
  'mm_filemap_map_pages: ofs=0-65535',
  'page_fault_user: address=0x7ffff7fc3000 error_code=0x4',
  'rss_stat: curr=1 type=MM_FILEPAGES size=200704B',
  'mm_filemap_map_pages: ofs=53248-118783',
  'sys_munmap(addr: 0x7ffff7ff3000, len: 0x4000)',
  'rss_stat: curr=1 type=MM_ANONPAGES size=8192B',
  'tlb_flush: pages:4 reason:local MM shootdown (3)',
  'sys_munmap -> 0x0',
  'sys_munmap(addr: 0x7ffff7fb3000, len: 0x40000)',
  'rss_stat: curr=1 type=MM_FILEPAGES size=86016B',
  'tlb_flush: pages:29 reason:local MM shootdown (3)',
  'sys_munmap -> 0x0',
];

const run = (text: string) => runScenario(parseScenario('trace.txt', text));

/** A line without what is another machine's: instruction pointers, devices, inodes, address-space numbers. */
const comparable = (line: string) =>
  line.replace(/\b(?:ip=0x\w+|dev=\d+:\d+|ino=\w+|mm_id=\d+|ra_pages=\d+) ?/g, '').trimEnd();

test('does a fault on a file and its end leave the trace of a real kernel, line by line?', () => {
  const lines = run(SCENARIO).at(-1)?.trace as string[];
  const added = lines.filter((line) => line.startsWith('mm_filemap_add_to_page_cache'));
  expect(added).toHaveLength(32);
  expect(added[31]).toMatch(/ ofs=126976 order=0$/);
  const others = lines.filter((line) => !added.includes(line) && !line.includes('task switch'));
  expect(others.map(comparable)).toEqual(REAL);
});

test('is an unknown tracepoint named, and only what contains the word of `with` shown?', () => {
  const answers = run(
    'spawn A\ntrace on kmem:nothing,kmem:rss_stat\nA mmap r len=2p\nA touch r w\ntrace off max=1 with=MM_ANON',
  );
  expect(answers[1]).toMatchObject({ trace_error: 'kmem:nothing' });
  expect(answers[4]?.trace).toHaveLength(1);
});

test('is an error printed as the register holds it?', () => {
  const answers = run('spawn A\ntrace on syscalls/sys_exit_munmap\nA munmap 0x1001 len=1p\ntrace off');
  expect(answers[3]?.trace).toEqual(['sys_munmap -> 0xffffffffffffffea']);
});
