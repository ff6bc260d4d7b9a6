/**
 * One program's connection to the recorder: a hello, then raw blocks (native/pagetrace/stream.c). Cuts the bytes of the socket
 * into blocks; what a killed program sent of its last one is dropped.
 */
import type { Socket } from 'node:net';
import { BLOCK_HEAD_BYTES, BLOCK_MAGIC, MAX_CHUNK_BYTES, RecordingError } from '../../program/recording/format.ts';

export interface Hello {
  readonly pid: number;
  /** Names the connection, and for a fork's child that of its parent. */
  readonly connection: number;
  readonly parentConnection: number;
  /** For a fork's child: the parent's block, by its number in the parent's connection, that must stand before; else undefined. */
  readonly parentBlock: number | undefined;
}

export interface ConnectionEvents {
  hello(hello: Hello): void;
  /** A whole raw block. */
  block(raw: Uint8Array): void;
  /** The program closed it, or sent what is no block (`error`). */
  end(error?: Error): void;
}

const HELLO_BYTES = 24;
/** "FLH1" */
const HELLO_MAGIC = 0x31484c46;
const NO_BLOCK = 0xffffffff;
/** Where a block's head has the lengths of its columns: the records, and four more. */
const LENGTHS_AT = [12, 48, 52, 56, 60];

export class Connection {
  private readonly events: ConnectionEvents;
  private readonly socket: Socket;
  /** What is being collected, and how much of it is there. */
  private part = new Uint8Array(HELLO_BYTES);
  private filled = 0;
  private expects: 'hello' | 'head' | 'columns' = 'hello';
  private over = false;

  constructor(socket: Socket, events: ConnectionEvents) {
    this.socket = socket;
    this.events = events;
    socket.on('data', (bytes: Uint8Array) => this.take(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.close());
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private close(error?: Error): void {
    if (this.over) return;
    this.over = true;
    this.events.end(error);
  }

  private take(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length && !this.over; ) {
        const room = Math.min(this.part.length - this.filled, bytes.length - at);
        this.part.set(bytes.subarray(at, at + room), this.filled);
        this.filled += room;
        at += room;
        if (this.filled === this.part.length) this.complete();
      }
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      this.close(error);
      this.socket.destroy();
    }
  }

  /** The part is whole: hand it on, or learn from it how much is to follow. */
  private complete(): void {
    const part = this.part;
    const view = new DataView(part.buffer);
    if (this.expects === 'head') {
      if (view.getUint32(0, true) !== BLOCK_MAGIC) throw new RecordingError('a program sent what is no block');
      const length = LENGTHS_AT.reduce((sum, at) => sum + view.getUint32(at, true), BLOCK_HEAD_BYTES);
      if (length > MAX_CHUNK_BYTES) throw new RecordingError('a program sent a block of an impossible length');
      this.part = new Uint8Array(length);
      this.part.set(part);
      this.expects = 'columns';
      if (length > BLOCK_HEAD_BYTES) return;
    }
    if (this.expects === 'hello') this.events.hello(parseHello(view));
    else this.events.block(this.part);
    this.part = new Uint8Array(BLOCK_HEAD_BYTES);
    this.filled = 0;
    this.expects = 'head';
  }
}

function parseHello(view: DataView): Hello {
  const word = (index: number): number => view.getUint32(4 * index, true);
  if (word(0) !== HELLO_MAGIC) throw new RecordingError('a connection did not begin with a hello');
  return {
    pid: word(1),
    connection: word(2),
    parentConnection: word(3),
    parentBlock: word(4) === NO_BLOCK ? undefined : word(4),
  };
}
