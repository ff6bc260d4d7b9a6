/** n calls that move bytes: read and write with a buffer, sendfile and copy_file_range from file to file. */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { Socket } from '../../../kernel/page-cache/splice.ts';
import type { AddressExpression } from '../address-expression.ts';
import type { Answer } from '../answer.ts';
import { processOperation } from '../operation.ts';
import type { ScenarioProcess } from '../scenario-process.ts';
import type { Scene } from '../scene.ts';
import type { Words } from '../words.ts';

/** The oracle has room for so many numbers behind a call. */
const MOST_PROBES = 32768;

interface Transfer {
  readonly name: string;
  readonly size: number;
  readonly times: number;
  readonly buffer: AddressExpression;
  readonly delayUs: number;
  readonly probe: boolean;
  /** Where the first call begins, and how far each goes on; undefined for the file's own position. */
  readonly offset: number | undefined;
  readonly step: number;
}

function readTransfer(words: Words, positioned: boolean): Transfer {
  const size = words.size('size') ?? PAGE_SIZE;
  return {
    name: words.operand(0),
    size,
    times: words.times('n'),
    buffer: words.address(words.option('buf') ?? 'scratch'),
    delayUs: words.size('delay') ?? 0,
    probe: words.has('probe'),
    offset: positioned ? (words.size('off') ?? 0) : undefined,
    step: words.size('step') ?? size,
  };
}

/** How the calls of an operation are repeated, and what is told behind each. */
interface Repeat {
  readonly times: number;
  readonly probe: boolean;
  readonly delayUs: number;
  /** The descriptor of the file whose cached pages a probe counts. */
  readonly probed: number;
}

/** Makes n calls, until the first error. @param call a negated errno, or the bytes that it moved */
function repeat(
  process: ScenarioProcess,
  { times, probe, delayUs, probed }: Repeat,
  answer: Answer,
  scene: Scene,
  call: () => number,
): void {
  const cached: number[] = [];
  let calls = 0;
  let last = 0;
  process.carryOut(answer, () => {
    let total = 0;
    for (let i = 0; i < times; i++) {
      process.costs.systemCalls(1, true);
      last = call();
      calls++;
      if (last > 0) total += last;
      if (delayUs > 0) scene.sleep(delayUs * 1000);
      if (probe && i < MOST_PROBES) cached.push(scene.cachedPages(process.task.process.files.get(probed)?.inode));
      if (last < 0) return last;
    }
    return total;
  });
  if (calls > 1) Object.assign(answer, { calls, last });
  if (cached.length > 0) answer.cached = cached;
}

function transfer(process: ScenarioProcess, how: Transfer, answer: Answer, scene: Scene, write: boolean): void {
  const { files } = scene.kernel;
  const { task } = process;
  const { size, step } = how;
  const fd = process.descriptor(how.name);
  const buffer = process.resolve(how.buffer).address;
  let { offset } = how;
  repeat(process, { ...how, probed: fd }, answer, scene, () => {
    if (offset === undefined) return write ? files.write(task, fd, buffer, size) : files.read(task, fd, buffer, size);
    const at = offset;
    offset += step;
    return write ? files.pwrite(task, fd, buffer, size, at) : files.pread(task, fd, buffer, size, at);
  });
}

const transferOperation = (usage: string, write: boolean, positioned: boolean) =>
  processOperation(
    usage,
    (words) => readTransfer(words, positioned),
    (process, how, answer, scene) => transfer(process, how, answer, scene, write),
  );

export const read = transferOperation('read F [size=] [n=] [buf=] [delay=] [probe]', false, false);
export const write = transferOperation('write F [size=] [n=] [buf=] [delay=] [probe]', true, false);
export const pread = transferOperation('pread F [off=] [size=] [n=] [step=] [buf=] [delay=] [probe]', false, true);
export const pwrite = transferOperation('pwrite F [off=] [size=] [n=] [step=] [buf=] [delay=] [probe]', true, true);

/** /dev/null, into which sendfile may send: it takes all and keeps nothing. */
const NULL_DEVICE: Socket = { fd: -1, receive: () => {} };

export const sendfile = processOperation(
  'sendfile TO FROM [off=] [size=] [n=] [probe]',
  (words) => ({
    to: words.operand(0),
    from: words.operand(1),
    offset: words.size('off'),
    size: words.size('size') ?? PAGE_SIZE,
    times: words.times('n'),
    probe: words.has('probe'),
  }),
  (process, how, answer, scene) => {
    const { files } = scene.kernel;
    const from = process.descriptor(how.from);
    const to = how.to === 'null' ? NULL_DEVICE : process.descriptor(how.to);
    let { offset } = how;
    repeat(process, { ...how, delayUs: 0, probed: from }, answer, scene, () => {
      const sent = files.sendfile(process.task, to, from, offset, how.size);
      if (offset !== undefined && sent > 0) offset += sent;
      return sent;
    });
  },
);

export const copyFileRange = processOperation(
  'copy_file_range FROM TO [off=] [to=] [size=] [n=] [probe]',
  (words) => ({
    from: words.operand(0),
    to: words.operand(1),
    offset: words.size('off'),
    place: words.size('to'),
    size: words.size('size') ?? PAGE_SIZE,
    times: words.times('n'),
    probe: words.has('probe'),
  }),
  (process, how, answer, scene) => {
    const { files } = scene.kernel;
    const from = process.descriptor(how.from);
    const to = process.descriptor(how.to);
    let { offset, place } = how;
    repeat(process, { ...how, delayUs: 0, probed: from }, answer, scene, () => {
      const copied = files.copyFileRange(process.task, from, offset, to, place, how.size);
      if (offset !== undefined && copied > 0) offset += copied;
      if (place !== undefined && copied > 0) place += copied;
      return copied;
    });
  },
);
