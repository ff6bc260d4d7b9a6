import { expect, test } from 'vitest';
import { ext4FileSystem, shmemFileSystem } from './file-system.ts';
import { makeInode } from './inode.ts';
import { NameSpace } from './name-space.ts';

const fs = ext4FileSystem(7);
const inode = (id: number) => makeInode({ id, ino: id, name: `/f${id}`, kind: 'file', fs, size: 0 });

test('which file system holds a path when several are mounted?', () => {
  const names = new NameSpace(fs);
  const tmp = shmemFileSystem(8);
  const deep = ext4FileSystem(9);
  names.mount('/tmp', tmp);
  names.mount('/tmp/disk/', deep);
  expect(names.fileSystemOf('/etc/passwd')).toBe(fs);
  expect(names.fileSystemOf('/tmpfile')).toBe(fs);
  expect(names.fileSystemOf('/tmp')).toBe(tmp);
  expect(names.fileSystemOf('/tmp/a')).toBe(tmp);
  expect(names.fileSystemOf('/tmp/disk/a')).toBe(deep);
  const root = ext4FileSystem(10);
  names.mount('/', root);
  expect(names.fileSystemOf('/etc/passwd')).toBe(root);
});

test('does a file show as deleted only when its last name is gone?', () => {
  const names = new NameSpace(fs);
  const file = inode(1);
  names.link('/a', file);
  names.link('/b', file);
  names.unlink('/a');
  expect([file.links, file.name]).toEqual([1, '/f1']);
  const other = inode(2);
  expect(names.link('/b', other)).toBe(file);
  expect([file.links, file.name]).toEqual([0, '/f1 (deleted)']);
  expect(names.find('/b')).toBe(other);
  expect(names.unlink('/nothing')).toBeUndefined();
});
