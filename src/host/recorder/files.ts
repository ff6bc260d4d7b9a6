/** The files of a recording: what the events of its blocks name, told once each as metadata, with the headers of ELF files. */

import { statSync } from 'node:fs';
import { parseBlock } from '../../program/recording/block.ts';
import { eventsOf, SEGMENT_FILE } from '../../program/recording/events.ts';
import type { FileFacts, MetadataLine } from '../../program/recording/header.ts';
import { readElfFacts } from './elf-facts.ts';

export class FileCatalogue {
  private readonly known = new Set<string>();

  /** The metadata of files that this raw block names and no block before it did. */
  newIn(raw: Uint8Array): MetadataLine[] {
    const lines: MetadataLine[] = [];
    for (const event of eventsOf(parseBlock(raw).events)) {
      if (event.type === 'file') this.add(lines, event, event.size, event.mode);
      else if (event.type === 'segment' && event.flags & SEGMENT_FILE) {
        const status = statSync(event.path, { throwIfNoEntry: false });
        this.add(lines, event, status?.size ?? 0, status?.mode ?? 0);
      }
    }
    return lines;
  }

  private add(
    lines: MetadataLine[],
    file: Pick<FileFacts, 'path' | 'device' | 'inode'>,
    size: number,
    mode: number,
  ): void {
    const { path, device, inode } = file;
    const key = `${device}:${inode}:${path}`;
    if (this.known.has(key)) return;
    this.known.add(key);
    const elf = isRegular(mode) ? readElfFacts(path) : undefined;
    lines.push({ kind: 'file', path, device, inode, size, mode, ...(elf && { elf }) });
  }
}

/** S_ISREG */
const isRegular = (mode: number): boolean => (mode & 0o170000) === 0o100000;
