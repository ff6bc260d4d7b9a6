/**
 * Puts the blocks of all programs into the file's order. Within a process: as they were made, the blocks of one image before those of
 * the image that execve put in its place. A child's first block stands behind the parent's block with the fork's return. The
 * connections' bytes arrive in any order, so what comes too early waits here.
 */
import { parseBlock, placeBlock } from '../../program/recording/block.ts';
import type { ProcessFacts } from '../../program/recording/header.ts';
import type { Hello } from './connection.ts';

/** A program image: one connection. */
interface Image {
  readonly hello: Hello;
  readonly waiting: Uint8Array[];
  ended: boolean;
  process: Process | undefined;
  /** Number of its first block in the stream, once it is the process's current image. */
  firstBlock: number | undefined;
}

interface Process {
  readonly facts: ProcessFacts;
  /** The current image and those that execve made after it. */
  readonly images: Image[];
  /** Blocks and instructions in the file so far. */
  blocks: number;
  instructions: number;
}

export interface OrderEvents {
  /** A process whose blocks may follow. */
  process(facts: ProcessFacts): void;
  /** The next block of the file, with stream, number and first instruction set. */
  block(raw: Uint8Array): void;
}

export class BlockOrder {
  private readonly events: OrderEvents;
  private readonly images = new Map<number, Image>();
  private readonly latestOfPid = new Map<number, Process>();
  private readonly processes: Process[] = [];
  /** Said hello before the one that they descend from did. */
  private readonly orphans = new Set<Image>();

  constructor(events: OrderEvents) {
    this.events = events;
  }

  get processCount(): number {
    return this.processes.length;
  }

  /** A program said hello. Returns the handle for what it sends. */
  open(hello: Hello): { block: (raw: Uint8Array) => void; end: () => void } {
    const image: Image = { hello, waiting: [], ended: false, process: undefined, firstBlock: undefined };
    this.images.set(hello.connection, image);
    this.orphans.add(image);
    this.advance();
    return {
      block: (raw) => {
        image.waiting.push(raw);
        this.advance();
      },
      end: () => {
        image.ended = true;
        this.advance();
      },
    };
  }

  /** No more will come: what still waits for somebody lost is let through. */
  finish(): void {
    for (const image of this.images.values()) image.ended = true;
    this.advance();
    for (const orphan of [...this.orphans]) {
      this.orphans.delete(orphan);
      this.adopt(orphan, undefined);
      this.advance();
    }
  }

  /** Moves on whatever can move, until nothing can. */
  private advance(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const image of this.orphans) moved = this.place(image) || moved;
      for (const process of this.processes) moved = this.drain(process) || moved;
    }
  }

  /** Finds out which process an image belongs to, if that can be known by now. */
  private place(image: Image): boolean {
    const { pid, parentBlock, parentConnection } = image.hello;
    if (parentBlock !== undefined) {
      const parent = this.images.get(parentConnection);
      if (parent?.process === undefined || !passed(parent, parentBlock)) return false;
      this.orphans.delete(image);
      this.adopt(image, { parent: parent.process.facts.stream, parentBlock: (parent.firstBlock ?? 0) + parentBlock });
      return true;
    }
    const same = this.latestOfPid.get(pid);
    if (same === undefined && this.processes.length > 0) return false;
    this.orphans.delete(image);
    if (same === undefined) this.adopt(image, undefined);
    else {
      image.process = same;
      same.images.push(image);
    }
    return true;
  }

  /** Makes a process of an image. */
  private adopt(image: Image, parent: Pick<ProcessFacts, 'parent' | 'parentBlock'> | undefined): void {
    const facts: ProcessFacts = { stream: this.processes.length, pid: image.hello.pid, ...parent };
    const process: Process = { facts, images: [image], blocks: 0, instructions: 0 };
    image.process = process;
    this.processes.push(process);
    this.latestOfPid.set(facts.pid, process);
    this.events.process(facts);
  }

  /** Lets out the blocks of the process's current image, and of the next when that one has ended. */
  private drain(process: Process): boolean {
    const [image] = process.images;
    if (image === undefined) return false;
    image.firstBlock ??= process.blocks;
    let moved = image.waiting.length > 0;
    for (const raw of image.waiting.splice(0)) {
      placeBlock(raw, process.facts.stream, process.blocks++, process.instructions);
      process.instructions += parseBlock(raw).instructions;
      this.events.block(raw);
    }
    if (image.ended && process.images.length > 1) {
      process.images.shift();
      moved = true;
    }
    return moved;
  }
}

/** Whether the image's block of this number is in the file, or will never come. */
function passed(image: Image, block: number): boolean {
  const { process, firstBlock } = image;
  if (process === undefined || firstBlock === undefined) return false;
  const current = process.images[0] === image;
  return !current || image.ended || process.blocks > firstBlock + block;
}
