/** Files as plain data and back: what a snapshot keeps of them. Mappings are linked again with the address spaces. */
import type { HugeInodeState, HugePoolState, Hugetlb } from '../hugetlb/hugetlb.ts';
import { panic } from '../panic.ts';
import { restoreBacking } from './backing.ts';
import type { BdiState } from './bdi.ts';
import { File, type ReadaheadState } from './file.ts';
import type { FileSystem } from './file-system.ts';
import type { WriteRequestState } from './in-flight.ts';
import { type BackingState, type Durable, type Inode, makeInode } from './inode.ts';
import type { MetadataState } from './metadata.ts';
import type { PageIndexState } from './page-index.ts';

export interface InodeState {
  readonly id: number;
  readonly ino: number;
  readonly name: string;
  readonly kind: 'file' | 'shmem' | 'hugetlb';
  readonly huge: HugeInodeState | undefined;
  readonly dev: number;
  readonly size: number;
  readonly commit: 'size' | 'page';
  readonly dirtyPages: number;
  readonly dirtiedWhen: number;
  readonly writebackIndex: number;
  readonly writeError: number;
  readonly durable: Durable;
  readonly changedTick: number;
  readonly flushOnClose: boolean;
  readonly links: number;
  readonly users: number;
  readonly pages: PageIndexState;
  readonly indexPayers: ReadonlyMap<number, number>;
  /** Start and end of each extent, in pages. */
  readonly extents: readonly [number, number][];
  readonly unwritten: readonly [number, number][];
  readonly backing: BackingState | undefined;
}

export interface OpenFileState {
  readonly id: number;
  readonly inode: number;
  readonly flags: number;
  readonly position: number;
  readonly random: boolean;
  readonly noReuse: boolean;
  readonly writeErrorSeen: number;
  readonly superErrorSeen: number;
  readonly references: number;
  readonly payer: number;
  readonly ra: ReadaheadState;
}

export interface FileSystemState
  extends Pick<FileSystem, 'name' | 'dev' | 'largeFolios' | 'raPages' | 'ioPages' | 'logicalBlock'> {
  /** Of hugetlbfs. */
  readonly pool: HugePoolState | undefined;
}

/** Files, names and mounts. */
export interface TableState {
  readonly lastInode: number;
  readonly lastFile: number;
  readonly mounts: readonly { readonly path: string; readonly fs: FileSystemState }[];
  readonly inodes: readonly InodeState[];
  readonly names: readonly [path: string, inode: number][];
  readonly open: readonly OpenFileState[];
}

export interface FilesState extends TableState {
  readonly workingsetAge: readonly number[];
  readonly flusher: readonly BdiState[];
  /** Requests that the disks have not answered. */
  readonly inFlight: readonly WriteRequestState[];
  readonly metadata: readonly MetadataState[];
}

export const saveFileSystem = (
  { name, dev, largeFolios, raPages, ioPages, logicalBlock, pool }: FileSystem,
  hugetlb: Hugetlb,
): FileSystemState => ({
  name,
  dev,
  largeFolios,
  raPages,
  ioPages,
  logicalBlock,
  pool: pool && hugetlb.savePool(pool),
});

/** @throws RangeError when the file's contents come from outside the machine */
export function saveInode(inode: Inode, hugetlb: Hugetlb): InodeState {
  if (inode.backing !== undefined && inode.backing.save === undefined)
    throw new RangeError(`the contents of ${inode.name} come from outside the machine: no snapshot can keep them`);
  return {
    id: inode.id,
    ino: inode.ino,
    name: inode.name,
    kind: inode.kind,
    huge: inode.huge && hugetlb.saveFile(inode.huge),
    dev: inode.dev,
    size: inode.size,
    commit: inode.commit,
    dirtyPages: inode.dirtyPages,
    dirtiedWhen: inode.dirtiedWhen,
    writebackIndex: inode.writebackIndex,
    writeError: inode.writeError,
    durable: inode.durable,
    changedTick: inode.changedTick,
    flushOnClose: inode.flushOnClose,
    links: inode.links,
    users: inode.users,
    pages: inode.pages.save(),
    indexPayers: new Map(inode.indexPayers),
    extents: inode.extents.ranges(),
    unwritten: inode.unwritten.ranges(),
    backing: inode.backing?.save?.(),
  };
}

export function restoreInode(state: InodeState, fs: FileSystem, hugetlb: Hugetlb): Inode {
  const { id, ino, name, kind, size, commit } = state;
  const backing = state.backing && restoreBacking(state.backing);
  const huge = state.huge && hugetlb.restoreFile(state.huge);
  const inode = makeInode({ id, ino, name, kind, size, commit, fs, backing, huge });
  inode.dirtyPages = state.dirtyPages;
  inode.dirtiedWhen = state.dirtiedWhen;
  inode.writebackIndex = state.writebackIndex;
  inode.writeError = state.writeError;
  inode.durable = state.durable;
  inode.changedTick = state.changedTick;
  inode.flushOnClose = state.flushOnClose;
  inode.links = state.links;
  inode.users = state.users;
  inode.pages.restore(state.pages);
  for (const [group, nodes] of state.indexPayers) inode.indexPayers.set(group, nodes);
  for (const [start, end] of state.extents) inode.extents.add(start, end);
  for (const [start, end] of state.unwritten) inode.unwritten.add(start, end);
  return inode;
}

export const saveFile = (file: File): OpenFileState => ({
  id: file.id,
  inode: file.inode.id,
  flags: file.flags,
  position: file.position,
  random: file.random,
  noReuse: file.noReuse,
  writeErrorSeen: file.writeErrorSeen,
  superErrorSeen: file.superErrorSeen,
  references: file.references,
  payer: file.payer,
  ra: { ...file.ra },
});

export function restoreFile(state: OpenFileState, inode: Inode | undefined): File {
  const file = new File(state.id, inode ?? panic('files: an open file without inode'), state.flags, state.ra.raPages);
  file.position = state.position;
  file.random = state.random;
  file.noReuse = state.noReuse;
  file.writeErrorSeen = state.writeErrorSeen;
  file.superErrorSeen = state.superErrorSeen;
  file.references = state.references;
  file.payer = state.payer;
  Object.assign(file.ra, state.ra);
  return file;
}
