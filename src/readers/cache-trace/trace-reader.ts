/** A reader of one format of traces. It hands requests to the buffer that it was made with. */
export interface TraceReader {
  /** Takes the next bytes of the file, cut anywhere. @throws {CacheTraceError} damage, when it is not to be skipped */
  push(bytes: Uint8Array): void;
  /** The file is over: hands on the last requests. @throws {CacheTraceError} it ends within a record or line */
  end(): void;
}
