/** Loads and stores of a process: touch, fill, sum and peek. */
import { LOAD, STORE } from '../../../hardware/cpu.ts';
import { PAGE_SIZE } from '../../../hardware/units.ts';
import { type Answer, isSignal, type Outcome } from '../answer.ts';
import { processOperation } from '../operation.ts';
import { quoted } from '../quoted.ts';
import { runs } from '../runs.ts';
import type { ScenarioProcess } from '../scenario-process.ts';
import { add, GOLDEN, hexWord, lcgStep, multiply, Sum64, word64, wordOf } from '../word64.ts';
import { placeOf, readRange } from './mapping.ts';

/** load; store; load, then store (two instructions); load and store in one instruction. */
type Mode = 'r' | 'w' | 'rw' | 'rmw';
const MODES: ReadonlyMap<string, Mode> = new Map([
  ['r', 'r'],
  ['w', 'w'],
  ['rw', 'rw'],
  ['rmw', 'rmw'],
]);

/** As many accesses as the oracle's buffers have places for: a random order and `each` end there. */
const MOST_STEPS = 65536;
const PEEK_BYTES = 64;

type Order = { readonly kind: 'forward' | 'reverse' } | { readonly kind: 'random'; readonly seed: number };

/** The steps of an order, as indexes: for `random` a Fisher-Yates shuffle from the end. */
export function stepsOf(order: Order, count: number): (i: number) => number {
  if (order.kind !== 'random') return order.kind === 'forward' ? (i) => i : (i) => count - 1 - i;
  const steps = Uint32Array.from({ length: count }, (_, i) => i);
  let x = lcgStep(wordOf(order.seed));
  for (let i = count - 1; i > 0; i--) {
    x = lcgStep(x);
    const j = (x.hi >>> 1) % (i + 1);
    const kept = steps[i] as number;
    steps[i] = steps[j] as number;
    steps[j] = kept;
  }
  return (i) => steps[i] as number;
}

/** One access of `touch`; a signal ends the operation. */
function access({ machine, task }: ScenarioProcess, mode: Mode, address: number, value: number): Outcome {
  if (mode === 'r') return machine.touch(task, address, LOAD) ?? 0;
  if (mode === 'w') return machine.writeBytes(task, address, Uint8Array.of(value === 0 ? 255 : value)) ?? 0;
  if (mode === 'rmw') {
    const signal = machine.touch(task, address, STORE);
    if (signal !== undefined) return signal;
  }
  const old = machine.readBytes(task, address, 1);
  if (!(old instanceof Uint8Array)) return old;
  return machine.writeBytes(task, address, Uint8Array.of((old[0] as number) + 1)) ?? 0;
}

/** `0` to `9` minor faults, `+` more, `M` a major one, `X` both. */
function faultCharacter(minor: number, major: number): string {
  if (major > 0) return minor > 0 ? 'X' : 'M';
  return minor > 9 ? '+' : String(minor);
}

export const touch = processOperation(
  'touch A [MODE] [len=] [off=] [stride=] [order=] [each=] [delay=] [val=] [probe=]',
  (words) => {
    const order = words.option('order') ?? '';
    const seed = order.startsWith('rand:') ? words.number(order.slice('rand:'.length)) : 0;
    if (order !== '' && !/^(fwd|forward|rev|reverse|rand(:.*)?)$/.test(order)) {
      words.fail(`unknown order ${quoted(order)}; expected rev or rand:SEED`);
    }
    const stride = words.size('stride') ?? PAGE_SIZE;
    if (stride <= 0) words.fail(`stride=${words.option('stride')} leads nowhere; expected a size above 0`);
    return {
      range: readRange(words),
      mode: words.choice(words.optional(1) ?? 'r', MODES, 'kind of access'),
      offset: words.size('off') ?? 0,
      stride,
      order: readOrder(order, seed),
      each: (words.size('each') ?? 0) !== 0,
      delayUs: words.size('delay') ?? 0,
      value: words.size('val') ?? 1,
      probe: words.option('probe'),
    };
  },
  (process, { range, mode, offset, stride, order, each, delayUs, value, probe }, answer, scene) => {
    const place = process.resolve(range.at);
    const start = place.address + offset;
    const bytes = range.length ?? (place.length > 0 ? place.length - offset : 1);
    let count = Math.trunc((bytes + stride - 1) / stride);
    if (order.kind === 'random') count = Math.min(count, MOST_STEPS);
    const step = stepsOf(order, count);
    const counter = new FaultCounter(process);
    const probed = probe === undefined ? undefined : process.file(probe);
    let accesses = 0;
    let characters = '';
    const cached: string[] = [];
    // An access that had to wait for memory is where the operation goes on.
    let i = 0;
    process.carryOut(answer, () => {
      for (; i < count; i++) {
        const index = step(i);
        const outcome = access(process, mode, start + index * stride, (value + index) & 0xff);
        if (isSignal(outcome)) return outcome;
        accesses++;
        if (delayUs > 0) scene.sleep(delayUs * 1000);
        if (accesses > MOST_STEPS) continue;
        if (probed !== undefined) cached.push(`${counter.next()}:${scene.cachedPages(probed.inode)}`);
        else if (each) characters += counter.next();
      }
      return 0;
    });
    if (process.isBlocked) return;
    answer.acc = accesses;
    if (probed !== undefined && accesses > 0) answer.each = cached;
    else if (each && accesses > 0) answer.each = runs(characters);
  },
);

function readOrder(order: string, seed: number): Order {
  if (order.startsWith('rand')) return { kind: 'random', seed };
  return { kind: order.startsWith('rev') ? 'reverse' : 'forward' };
}

/** Faults of a process from one look to the next. */
class FaultCounter {
  readonly #process: ScenarioProcess;
  #minor: number;
  #major: number;

  constructor(process: ScenarioProcess) {
    this.#process = process;
    this.#minor = process.task.process.minFlt;
    this.#major = process.task.process.majFlt;
  }

  next(): string {
    const { minFlt, majFlt } = this.#process.task.process;
    const character = faultCharacter(minFlt - this.#minor, majFlt - this.#major);
    this.#minor = minFlt;
    this.#major = majFlt;
    return character;
  }
}

/** Pieces of a range of words, as [offset, length]: the words that begin in one page each. */
function* pieces(address: number, length: number): Generator<[offset: number, length: number]> {
  for (let offset = 0; offset < length; ) {
    const toNextPage = PAGE_SIZE - ((address + offset) % PAGE_SIZE);
    const piece = Math.min(Math.ceil(toNextPage / 8) * 8, length - offset);
    yield [offset, piece];
    offset += piece;
  }
}

export const fill = processOperation(
  'fill A [len=] [seed=]',
  (words) => ({ range: readRange(words), seed: words.size('seed') ?? 1 }),
  (process, { range, seed }, answer) => {
    const { address, length } = placeOf(process, range);
    const base = multiply(wordOf(seed), GOLDEN);
    process.carryOut(answer, () => {
      for (const [offset, piece] of pieces(address, length - (length % 8))) {
        const bytes = new Uint8Array(piece);
        const view = new DataView(bytes.buffer);
        for (let at = 0; at < piece; at += 8) {
          const word = add(base, wordOf((offset + at) / 8));
          view.setUint32(at, word.lo, true);
          view.setUint32(at + 4, word.hi, true);
        }
        const signal = process.machine.writeBytes(process.task, address + offset, bytes);
        if (signal !== undefined) return signal;
      }
      return 0;
    });
  },
);

export const sum = processOperation('sum A [len=]', readRange, (process, range, answer) => {
  const { address, length } = placeOf(process, range);
  const total = new Sum64();
  let words = 0;
  process.carryOut(answer, () => {
    for (const [offset, piece] of pieces(address, length - (length % 8))) {
      const bytes = process.machine.readBytes(process.task, address + offset, piece);
      if (!(bytes instanceof Uint8Array)) return bytes;
      const view = new DataView(bytes.buffer, bytes.byteOffset, piece);
      for (let at = 0; at < piece; at += 8) {
        const word = word64(view.getUint32(at + 4, true), view.getUint32(at, true));
        total.add(word.hi, word.lo);
        words++;
      }
    }
    return 0;
  });
  if (process.isBlocked) return;
  // The oracle notes the sum behind the last word: a signal leaves it at 0.
  putSum(answer, words, total, answer.sig === undefined);
});

function putSum(answer: Answer, words: number, total: Sum64, complete: boolean): void {
  answer.words = words;
  answer.sum = complete ? hexWord(total.value) : '0x0';
}

export const peek = processOperation('peek A [len=]', readRange, (process, range, answer) => {
  const { address } = process.resolve(range.at);
  const length = Math.min(range.length ?? 8, PEEK_BYTES);
  let text = '';
  process.carryOut(answer, () => {
    for (const [offset, piece] of pieces(address, length)) {
      const bytes = process.machine.readBytes(process.task, address + offset, piece);
      if (!(bytes instanceof Uint8Array)) return bytes;
      text += [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    }
    return 0;
  });
  answer.bytes = text;
});
