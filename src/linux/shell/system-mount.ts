/** /proc or /sys as just-bash mounts it: files are the kernel's, and nothing can be made, moved or removed. */
import type { FsStat, IFileSystem } from 'just-bash';
import { EIO, errnoName } from '../../kernel/errno.ts';
import type { SystemFile } from '../../kernel/proc/tree/system-file.ts';
import type { SystemFiles } from '../../kernel/proc/tree/system-files.ts';

const MODE_DIRECTORY = 0o555;
const MODE_READ = 0o444;
const MODE_WRITE = 0o200;
const BOOT = new Date(0);

/** An error as Node's file system throws it, which is what just-bash expects of its own. */
function fail(code: string, call: string, path: string): never {
  throw Object.assign(new Error(`${code}: ${call} '${path}'`), { code });
}

export class SystemMount implements IFileSystem {
  readonly #files: SystemFiles;
  /** Where it is mounted. */
  readonly at: string;
  /** Error numbers of writes that the kernel refused, the oldest first. Who reports them takes them away. */
  readonly refused: number[] = [];

  /** @param at where it is mounted: '/proc' or '/sys' */
  constructor(files: SystemFiles, at: string) {
    this.#files = files;
    this.at = at;
  }

  readFile(path: string): Promise<string> {
    const text = this.#file(path, 'open').read?.();
    if (text === undefined) return fail('EACCES', 'open', this.#absolute(path));
    if (typeof text === 'number') return fail(errnoName(-text), 'read', this.#absolute(path));
    return Promise.resolve(text);
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    return new TextEncoder().encode(await this.readFile(path));
  }

  /**
   * just-bash does not expect a write to fail, so an error is not thrown but kept for who runs the shell. A redirection
   * first empties the file, which these files do not notice.
   */
  writeFile(path: string, content: string | Uint8Array): Promise<void> {
    const file = this.#file(path, 'open');
    const text = typeof content === 'string' ? content : new TextDecoder().decode(content);
    if (text === '') return Promise.resolve();
    // What cannot be written answers EIO (proc_reg_write).
    const result = file.write?.(text) ?? -EIO;
    if (result < 0) this.refused.push(-result);
    return Promise.resolve();
  }

  appendFile(path: string, content: string | Uint8Array): Promise<void> {
    return this.writeFile(path, content);
  }

  exists(path: string): Promise<boolean> {
    const at = this.#absolute(path);
    return Promise.resolve(this.#files.file(at) !== undefined || this.#files.directory(at) !== undefined);
  }

  stat(path: string): Promise<FsStat> {
    const at = this.#absolute(path);
    const isDirectory = this.#files.directory(at) !== undefined;
    const file = this.#files.file(at);
    if (!isDirectory && file === undefined) fail('ENOENT', 'stat', at);
    const mode = isDirectory ? MODE_DIRECTORY : (file?.read ? MODE_READ : 0) | (file?.write ? MODE_WRITE : 0);
    return Promise.resolve({ isFile: !isDirectory, isDirectory, isSymbolicLink: false, mode, size: 0, mtime: BOOT });
  }

  lstat(path: string): Promise<FsStat> {
    return this.stat(path);
  }

  readdir(path: string): Promise<string[]> {
    const directory = this.#files.directory(this.#absolute(path));
    return directory === undefined
      ? fail('ENOENT', 'scandir', this.#absolute(path))
      : Promise.resolve([...directory.keys()].sort());
  }

  /** For globs that the shell expands without walking; it walks here. */
  getAllPaths(): string[] {
    return [];
  }

  resolvePath(base: string, path: string): string {
    const parts: string[] = [];
    for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '' && part !== '.') parts.push(part);
    }
    return `/${parts.join('/')}`;
  }

  realpath(path: string): Promise<string> {
    return Promise.resolve(path);
  }

  readlink(path: string): Promise<string> {
    return fail('EINVAL', 'readlink', this.#absolute(path));
  }

  mkdir(path: string): Promise<void> {
    return this.#result(this.#files.makeDirectory(this.#absolute(path)), 'mkdir', path);
  }

  rm(path: string): Promise<void> {
    return this.#result(this.#files.removeDirectory(this.#absolute(path)), 'rm', path);
  }

  cp(source: string): Promise<void> {
    return fail('EPERM', 'cp', this.#absolute(source));
  }

  mv(source: string): Promise<void> {
    return fail('EPERM', 'mv', this.#absolute(source));
  }

  chmod(path: string): Promise<void> {
    return fail('EPERM', 'chmod', this.#absolute(path));
  }

  symlink(_target: string, path: string): Promise<void> {
    return fail('EPERM', 'symlink', this.#absolute(path));
  }

  link(_existing: string, path: string): Promise<void> {
    return fail('EPERM', 'link', this.#absolute(path));
  }

  utimes(path: string): Promise<void> {
    return fail('EPERM', 'utimes', this.#absolute(path));
  }

  #result(result: number, call: string, path: string): Promise<void> {
    return result < 0 ? fail(errnoName(-result), call, this.#absolute(path)) : Promise.resolve();
  }

  #file(path: string, call: string): SystemFile {
    const at = this.#absolute(path);
    if (this.#files.directory(at) !== undefined) return fail('EISDIR', call, at);
    return this.#files.file(at) ?? fail('ENOENT', call, at);
  }

  #absolute(path: string): string {
    return path === '/' ? this.at : `${this.at}${path}`;
  }
}
