/** The programs of the table of limits, with what they need: inputs and sources, made in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LimitProgram {
  readonly name: string;
  readonly about: string;
  readonly command: readonly string[];
  /** Its input files, which are not in memory when it begins. */
  readonly inputs: readonly string[];
  /** Pages of files that it asks for through mappings, beside those that it reads. */
  readonly mappedPages: number;
  /** Bytes of memory: too few, just too few, enough. */
  readonly limits: readonly [string, string, string];
}

/** How often `mapped` reads a page. */
const TOUCHES = 60_000;

const MAPPED = `#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* Random reads of a mapped file, most of them in a quarter of it, beside a table in memory. */
int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDONLY);
  long pages = lseek(fd, 0, SEEK_END) / 4096, rows = atol(argv[2]) * 256, sum = 0;
  char *file = mmap(0, pages * 4096, PROT_READ, MAP_SHARED, fd, 0);
  char *table = malloc(rows * 4096);
  unsigned x = 1;
  madvise(file, pages * 4096, MADV_RANDOM);
  for (long i = 0; i < rows; i++) table[i * 4096] = 1;
  for (long i = 0; i < ${TOUCHES}; i++) {
    x = x * 1103515245 + 12345;
    unsigned r = x >> 8;
    sum += file[(r % 1000 < 800 ? r % (pages / 4) : r % pages) * 4096];
    if (i % 4 == 0) table[(r % rows) * 4096]++;
  }
  printf("%ld\\n", sum);
  return 0;
}
`;
const HASH = `import random
r = random.Random(1)
d = {i: [i] for i in range(150000)}
s = 0
for _ in range(300000):
    k = r.randrange(150000) if r.random() < 0.2 else r.randrange(30000)
    s += d[k][0]
print(s)
`;
const FILL =
  'create table t(a integer primary key, b text); with recursive c(x) as (select 1 union all select x+1 from c where x<400000) ' +
  "insert into t select x, printf('%060d',x) from c; create index i on t(b);";
const QUERIES = `pragma cache_size=-2000;
with recursive c(n,x) as (select 1, 12345 union all select n+1, (x*1103515245+12345)%2147483648 from c where n<30000)
select sum(length(t.b)) from c join t on t.a = 1 + (case when c.n % 5 then (x/256)%80000 else (x/256)%400000 end);
`;
const BIG = 48 << 20;
const LINES = 250_000;

/** The real interpreter: a shim of a version manager would run forty shells first. */
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find(existsSync) ?? 'python3';

function numbers(): string {
  const lines: number[] = [];
  for (let i = 0, x = 12345; i < LINES; i++) {
    x = (Math.imul(x, 69069) + 1) >>> 0;
    lines.push(x);
  }
  return `${lines.join('\n')}\n`;
}

/** Makes the inputs in `folder` and tells the commands, to be run there. */
export function limitPrograms(folder: string): LimitProgram[] {
  const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);
  put('big', new Uint8Array(BIG).fill(1));
  put('numbers.txt', numbers());
  put('mapped.c', MAPPED);
  put('hash.py', HASH);
  put('queries.sql', QUERIES);
  execFileSync('gcc', ['-O1', '-o', 'mapped', 'mapped.c'], { cwd: folder });
  execFileSync('sqlite3', ['table.db', FILL], { cwd: folder });
  return [
    {
      name: 'sort',
      about: '`sort -n --parallel=1` of 250,000 numbers: anonymous memory, passed over again and again',
      command: ['sort', '-n', '--parallel=1', 'numbers.txt', '-o', 'sorted.txt'],
      inputs: ['numbers.txt'],
      mappedPages: 0,
      limits: ['10M', '12M', '24M'],
    },
    {
      name: 'python3',
      about:
        '`python3` with a dict of 150,000 lists, 300,000 look-ups, most of them in a fifth: anonymous memory at random',
      command: [python, '-S', 'hash.py'],
      inputs: ['hash.py'],
      mappedPages: 0,
      limits: ['20M', '22M', '40M'],
    },
    {
      name: 'sha256sum',
      about: '`sha256sum` of a file of 48 MiB twice: read(2) in order',
      command: ['sha256sum', 'big', 'big'],
      inputs: ['big'],
      mappedPages: 0,
      limits: ['12M', '24M', '64M'],
    },
    {
      name: 'sqlite3',
      about: '`sqlite3` on a database of 54 MiB, 30,000 look-ups, most of them in a fifth: pread(2) at random',
      command: ['sqlite3', 'table.db', '.read queries.sql'],
      inputs: ['table.db'],
      mappedPages: 0,
      limits: ['8M', '24M', '64M'],
    },
    {
      name: 'mapped',
      about:
        'a C program that reads 60,000 pages of a mapped file of 48 MiB (`MADV_RANDOM`), beside a table of 24 MiB: both kinds at once',
      command: ['./mapped', 'big', '24'],
      inputs: ['big'],
      mappedPages: TOUCHES,
      limits: ['20M', '30M', '60M'],
    },
  ];
}
