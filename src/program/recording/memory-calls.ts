/**
 * The mapping calls of a recording on the simulated kernel. Arguments and results are the recording's addresses; each
 * call is made with the simulated ones, its result compared with the recorded one, and the address map follows.
 */
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import type { AddressSpaces } from '../../kernel/address-space/address-spaces.ts';
import { EEXIST, isError } from '../../kernel/errno.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import type { Task } from '../../kernel/process/process.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_NORESERVE,
  MAP_STACK,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_WRITE,
} from '../../kernel/uapi.ts';
import type { AddressMap } from './address-map.ts';

const HUGE_BYTES = 2 ** 21;
/** What anonymous memory must not be to be huge pages of a pool as well. */
const NOT_FROM_POOL = MAP_GROWSDOWN | MAP_STACK | MAP_NORESERVE | MAP_HUGETLB;

type Four = [number, number, number, number];

/** A process of the recording as the mapping calls see it. */
export interface CallingProcess {
  readonly task: Task;
  readonly map: AddressMap;
  /** Where its heap starts in the recording, in bytes. */
  readonly heapStart: number;
  /** Where it ends in the recording, in bytes. */
  heapEnd: number;
}

/** Arguments are recorded as signed numbers; addresses and lengths are unsigned ones of 64 bits. */
const unsigned = (argument: number): number => (argument < 0 ? argument + 2 ** 64 : argument);
const pagesOf = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE);
const firstPage = (address: number): number => Math.floor(address / PAGE_SIZE);

export class MemoryCalls {
  readonly #spaces: AddressSpaces;
  readonly #pooled: boolean;

  /** @param pooled large anonymous memory comes from the pool of huge pages, as if the program had asked for that */
  constructor(spaces: AddressSpaces, pooled: boolean) {
    this.#spaces = spaces;
    this.#pooled = pooled;
  }

  /** mmap(2). @param result the recorded one, which says where the recording has the mapping @returns the simulated result */
  mmap(process: CallingProcess, args: readonly number[], file: File | undefined, result: number): number {
    const [prot, flags] = [args[2], args[3]];
    const [address, length, offset] = [args[0], args[1], args[5]].map(unsigned) as [number, number, number];
    const anonymous = (flags & MAP_ANONYMOUS) !== 0;
    const call = (at: number, how: number): number =>
      this.#spaces.mmap(process.task, at, length, prot, how, anonymous ? undefined : file, offset);
    const isFixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
    const mapped =
      isFixed && !isError(result)
        ? this.#mapFixed(process, address, length, flags, call)
        : this.#mapFree(call, this.#hint(process, address), prot, flags, length);
    if (isError(result)) {
      // The program believes that it has nothing: take back what the simulated kernel gave.
      if (!isError(mapped)) this.#spaces.munmap(process.task, mapped, length);
    } else if (!isError(mapped)) process.map.map(firstPage(result), pagesOf(length), mapped / PAGE_SIZE);
    return mapped;
  }

  /** Where there is room; from the pool, if programs are to use it and it has enough for this. */
  #mapFree(call: (at: number, how: number) => number, at: number, prot: number, flags: number, length: number): number {
    const fits =
      length >= HUGE_BYTES && (flags & (MAP_ANONYMOUS | NOT_FROM_POOL)) === MAP_ANONYMOUS && (prot & PROT_WRITE) !== 0;
    const pooled = this.#pooled && fits ? call(0, flags | MAP_HUGETLB) : -1;
    return isError(pooled) ? call(at, flags) : pooled;
  }

  /**
   * MAP_FIXED: in place of what the recording had there, if that lies in one piece on the simulated machine too; else
   * behind its neighbour or at the address itself, and where that is taken wherever there is room.
   */
  #mapFixed(
    process: CallingProcess,
    address: number,
    length: number,
    flags: number,
    call: (at: number, how: number) => number,
  ): number {
    const start = firstPage(address);
    const pieces = process.map.pieces(start, pagesOf(length));
    const [first] = pieces;
    if (pieces.length === 1 && first?.start === start && first.end - first.start === pagesOf(length))
      return call(first.page * PAGE_SIZE, flags);
    for (const { start: from, end, page } of pieces)
      this.#spaces.munmap(process.task, page * PAGE_SIZE, (end - from) * PAGE_SIZE);
    const free = flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE);
    const mapped = call(this.#hint(process, address), free | MAP_FIXED_NOREPLACE);
    return mapped === -EEXIST ? call(0, free) : mapped;
  }

  /** Where a hint points on the simulated machine: behind the mapping that it continues, else the same address. */
  #hint(process: CallingProcess, address: number): number {
    const inside = process.map.translate(firstPage(address));
    if (inside >= 0) return inside * PAGE_SIZE;
    const behind = process.map.following(firstPage(address));
    return behind >= 0 ? behind * PAGE_SIZE : address;
  }

  /** munmap(2), piece by piece of what the recording had there. */
  munmap(process: CallingProcess, args: readonly number[]): number {
    const [address, length] = [unsigned(args[0]), unsigned(args[1])];
    const answer = this.#eachPiece(process, address, length, (at, bytes) =>
      this.#spaces.munmap(process.task, at, this.#wholePages(process.task, at, bytes)),
    );
    if (!isError(answer)) process.map.unmap(firstPage(address), pagesOf(length));
    return answer;
  }

  /** The length of what is unmapped: the last huge page of a mapping goes with its last byte. */
  #wholePages({ mm }: Task, at: number, bytes: number): number {
    const vma = mm.vmas.lookup(at / PAGE_SIZE);
    const huge = vma?.file?.inode.huge;
    if (vma === undefined || huge === undefined) return bytes;
    const unit = huge.hstate.pages * PAGE_SIZE;
    const whole = Math.ceil(bytes / unit) * unit;
    return at + whole === vma.end * PAGE_SIZE ? whole : bytes;
  }

  /** mremap(2). A mapping that has to move where the recording grew it in place is let move. */
  mremap(process: CallingProcess, args: readonly number[], result: number): number {
    const flags = args[3];
    const [address, oldLength, newLength, target] = [args[0], args[1], args[2], args[4]].map(unsigned) as Four;
    const from = process.map.translate(firstPage(address));
    const call = (how: number): number => {
      const to = how & MREMAP_FIXED ? this.#hint(process, target) : 0;
      return this.#spaces.mremap(process.task, from < 0 ? address : from * PAGE_SIZE, oldLength, newLength, how, to);
    };
    let moved = call(flags);
    if (isError(moved) && !isError(result)) moved = call((flags | MREMAP_MAYMOVE) & ~MREMAP_FIXED);
    if (isError(moved) || isError(result)) return moved;
    if ((flags & MREMAP_DONTUNMAP) === 0) process.map.unmap(firstPage(address), pagesOf(oldLength));
    process.map.map(firstPage(result), pagesOf(newLength), moved / PAGE_SIZE);
    return moved;
  }

  /** brk(2). The heap keeps its distance: a recorded break is as far from the heap's start as the simulated one. */
  brk(process: CallingProcess, [wanted]: readonly number[], result: number): number {
    const distance = process.task.mm.startBrk - process.heapStart;
    // A break that the recorder refused (its heap has a limit of its own) was never moved for the program.
    const asked = wanted !== 0 && result === wanted ? wanted + distance : 0;
    const moved = this.#spaces.brk(process.task, asked) - distance;
    if (moved !== result) return moved;
    const [before, after] = [firstPage(process.heapEnd + PAGE_SIZE - 1), firstPage(result + PAGE_SIZE - 1)];
    if (after > before) process.map.map(before, after - before, before + firstPage(distance));
    else process.map.unmap(after, before - after);
    process.heapEnd = result;
    return moved;
  }

  mprotect(process: CallingProcess, [address, length, prot]: readonly number[]): number {
    return this.#eachPiece(process, address, length, (at, bytes) =>
      this.#spaces.mprotect(process.task, at, bytes, prot),
    );
  }

  madvise(process: CallingProcess, [address, length, advice]: readonly number[]): number {
    return this.#eachPiece(process, address, length, (at, bytes) =>
      this.#spaces.madvise(process.task, at, bytes, advice),
    );
  }

  mlock(process: CallingProcess, [address, length, flags]: readonly number[]): number {
    return this.#eachPiece(process, address, length, (at, bytes) =>
      this.#spaces.mlock2(process.task, at, bytes, flags),
    );
  }

  munlock(process: CallingProcess, [address, length]: readonly number[]): number {
    return this.#eachPiece(process, address, length, (at, bytes) => this.#spaces.munlock(process.task, at, bytes));
  }

  msync(process: CallingProcess, [address, length, flags]: readonly number[]): number {
    return this.#eachPiece(process, address, length, (at, bytes) => this.#spaces.msync(process.task, at, bytes, flags));
  }

  /** A call on each simulated part of a recorded range; the first error, else what the last one answered. */
  #eachPiece(
    process: CallingProcess,
    signedAddress: number,
    signedLength: number,
    call: (address: number, length: number) => number,
  ): number {
    const [address, length] = [unsigned(signedAddress), unsigned(signedLength)];
    const start = firstPage(address);
    let answer = 0;
    for (const { start: from, end, page } of process.map.pieces(start, pagesOf(address + length) - start)) {
      answer = call(vpn(page) * PAGE_SIZE, (end - from) * PAGE_SIZE);
      if (isError(answer)) return answer;
    }
    return answer;
  }
}
