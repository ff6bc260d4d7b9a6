/** The programs of the native fault table, with what they need: inputs and sources, made in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NativeProgram {
  readonly name: string;
  readonly command: readonly string[];
  /** Runs code that it generated: its faults differ from run to run. */
  readonly jit?: boolean;
  /** Recorded as first touches in windows of so many instructions; else every run. */
  readonly window?: string;
  /** Shown mapping by mapping. */
  readonly byMapping?: boolean;
}

const THREADS = `#include <pthread.h>
#include <stdlib.h>
static void *work(void *unused) {
  char *block = malloc(4 << 20);
  for (int round = 0; round < 3; round++) for (int i = 0; i < 4 << 20; i += 64) block[i] += round;
  for (int i = 0; i < 2000; i++) { char *small = malloc(1000 + i); small[0] = small[900] = 1; if (i & 1) free(small); }
  return block;
}
int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(threads + i, 0, work, 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
  return 0;
}
`;
const HELLO = '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { printf("%d\\n", abs(-3)); return 0; }\n';
const JAVA = `import java.util.*;
public class Small {
  public static void main(String[] a) {
    Map<Integer, String> map = new HashMap<>();
    long sum = 0;
    for (int i = 0; i < 20000; i++) { map.put(i, "v" + i); sum += map.get(i / 2).length(); }
    System.out.println(sum);
  }
}
`;
const PYTHON = 'import json; d = {str(i): [i] * 3 for i in range(20000)}; print(len(json.loads(json.dumps(d))))';
const PERL = 'my %h; for (1..20000) { $h{$_} = $_ * 2 } print scalar(keys %h), "\\n"';
const NODE = 'const m = new Map(); for (let i = 0; i < 200000; i++) m.set("k" + i, i); console.log(m.size)';
const SQL =
  'create table t(a integer primary key, b text); with recursive c(x) as (select 1 union all select x+1 from c where x<30000) ' +
  "insert into t select x, 'name'||x from c; create index i on t(b); select count(*) from t where b > 'name2';";

/** A fixed sequence of numbers (Knuth's MMIX constants are not needed: any will do). */
function* numbers(count: number): Generator<number> {
  for (let i = 0, x = 12345; i < count; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    yield x;
  }
}

/** The real interpreter: a shim of a version manager would run forty shells first. */
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find(existsSync) ?? 'python3';

/** Makes the inputs in `folder` and tells the commands, to be run there. `source` is a folder under git. */
export function nativePrograms(folder: string, source: string): NativeProgram[] {
  const text = [...numbers(200_000)].join('\n');
  for (const [name, content] of [
    ['numbers.txt', `${text}\n`],
    ['threads.c', THREADS],
    ['hello.c', HELLO],
    ['Small.java', JAVA],
  ] as const)
    writeFileSync(join(folder, name), content);
  execFileSync('gcc', ['-O1', '-pthread', '-o', 'threads', 'threads.c'], { cwd: folder });
  execFileSync('javac', ['Small.java'], { cwd: folder });
  return [
    { name: 'sort', command: ['sort', '-n', 'numbers.txt', '-o', 'sorted.txt'], window: '1M', byMapping: true },
    { name: 'ls', command: ['ls', '-lR', '/usr/lib/x86_64-linux-gnu'] },
    { name: 'python3', command: [python, '-c', PYTHON], window: '1M', byMapping: true },
    { name: 'sqlite3', command: ['sqlite3', ':memory:', SQL] },
    { name: 'gcc (3 processes)', command: ['gcc', '-O2', '-c', 'hello.c', '-o', 'hello.o'] },
    { name: 'perl', command: ['perl', '-e', PERL] },
    { name: 'git log', command: ['git', '-C', source, 'log', '--stat', '-3'] },
    { name: 'xz -T2', command: ['xz', '-T2', '-1', '-k', '-f', 'numbers.txt'], window: '1M' },
    { name: 'C, 4 threads', command: ['./threads'] },
    { name: 'java -Xint', command: ['java', '-Xint', '-cp', '.', 'Small'], window: '1M' },
    { name: 'java', command: ['java', '-cp', '.', 'Small'], window: '1M', jit: true },
    { name: 'node', command: ['node', '-e', NODE], window: '1M', jit: true },
  ];
}
