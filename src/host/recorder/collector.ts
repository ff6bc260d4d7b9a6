/**
 * Takes what recorded programs send and makes the file of it: receives blocks over a Unix-domain socket, orders them, compresses
 * them in Node's threads (the other processor) and writes them. The programs wait when it cannot keep up.
 */
import { writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { parseBlock } from '../../program/recording/block.ts';
import type { MetadataLine, RecordingHeader } from '../../program/recording/header.ts';
import { RecordingWriter } from '../../program/recording/writer.ts';
import { nodeCodec } from '../recording-file.ts';
import { Compressor } from './compressor.ts';
import { Connection } from './connection.ts';
import { FileCatalogue } from './files.ts';
import { BlockOrder } from './order.ts';

/** Raw bytes on their way into the file; above the first the programs wait, below the second they go on. */
const HIGH_WATER = 96 << 20;
const LOW_WATER = 32 << 20;
export interface CollectorTotals {
  readonly processes: number;
  readonly records: number;
  readonly instructions: number;
  readonly accesses: number;
  readonly bytes: number;
}

export class Collector {
  private readonly server: Server;
  private readonly writer: RecordingWriter;
  private readonly order: BlockOrder;
  private readonly files = new FileCatalogue();
  private readonly compressor = new Compressor();
  private readonly connections = new Set<Connection>();
  /** Ends when everything handed over so far is in the file. */
  private written: Promise<void> = Promise.resolve();
  private underway = 0;
  private paused = false;
  private idle: (() => void)[] = [];
  private failure: Error | undefined;

  /** @param fd the recording's file, empty and open for writing */
  constructor(fd: number, header: RecordingHeader) {
    const sink = (bytes: Uint8Array): void => {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    };
    this.writer = new RecordingWriter(sink, nodeCodec, header);
    this.order = new BlockOrder({
      process: (facts) => this.afterwards(() => this.writer.metadata([{ kind: 'process', ...facts }])),
      block: (raw) => this.store(raw),
    });
    this.server = createServer((socket) => this.connect(socket));
  }

  get totals(): CollectorTotals {
    const { records, instructions, loads, stores } = this.writer.totals;
    return {
      processes: this.order.processCount,
      records,
      instructions,
      accesses: loads + stores,
      bytes: this.writer.bytes,
    };
  }

  /** Programs that are connected. */
  get running(): number {
    return this.connections.size;
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(path, resolve);
    });
  }

  /** Waits until no program is connected. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.connections.size === 0) resolve();
      else this.idle.push(resolve);
    });
  }

  /** Takes no more, writes what is there and the index. Throws what writing threw (a full disk). */
  async finish(): Promise<void> {
    this.server.close();
    for (const connection of this.connections) connection.destroy();
    this.order.finish();
    await this.written;
    if (this.failure !== undefined) throw this.failure;
    this.writer.finish();
  }

  private connect(socket: Socket): void {
    let image: ReturnType<BlockOrder['open']> | undefined;
    const connection = new Connection(socket, {
      hello: (hello) => {
        image = this.order.open(hello);
      },
      block: (raw) => image?.block(raw),
      end: (error) => {
        this.failure ??= error;
        this.connections.delete(connection);
        image?.end();
        if (this.connections.size === 0) for (const resolve of this.idle.splice(0)) resolve();
      },
    });
    this.connections.add(connection);
    if (this.paused) connection.pause();
  }

  /** The next block of the file: begin to compress it now, write it when its turn comes. */
  private store(raw: Uint8Array): void {
    const metadata: MetadataLine[] = this.files.newIn(raw);
    const compressed = this.compressor.compress(raw);
    compressed.catch(() => {});
    this.underway += raw.length;
    if (this.underway > HIGH_WATER) this.hold(true);
    this.afterwards(async () => {
      const { stored, compression } = await compressed;
      this.writer.metadata(metadata);
      this.writer.storedBlock(parseBlock(raw), stored, compression, raw.length);
      this.underway -= raw.length;
      if (this.underway < LOW_WATER) this.hold(false);
    });
  }

  /** Does this after all that was asked for before; after a failure, nothing more is written. */
  private afterwards(write: () => void | Promise<void>): void {
    this.written = this.written.then(async () => {
      if (this.failure !== undefined) return;
      try {
        await write();
      } catch (error) {
        this.failure = error instanceof Error ? error : new Error(String(error));
        // Programs must not wait for a recorder that has given up.
        for (const connection of this.connections) connection.destroy();
      }
    });
  }

  private hold(paused: boolean): void {
    if (this.paused === paused) return;
    this.paused = paused;
    for (const connection of this.connections) paused ? connection.pause() : connection.resume();
  }
}
