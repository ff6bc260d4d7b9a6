/** A file of the host that a scenario's machine may read: its size now, and its bytes when a page of it is wanted. */
export interface HostFile {
  readonly size: number;
  /** Fills `into` from a byte offset on. @returns bytes read, 0 behind the end */
  read(offset: number, into: Uint8Array): number;
}

/** Opens a file of the host, or says in a few words why it cannot be read. Whoever runs a scenario brings it. */
export type OpenHostFile = (path: string) => HostFile | string;

/** For runs that shall depend on nothing outside the scenario. */
export const noHostFiles: OpenHostFile = () => 'no files of the host are at hand here';
