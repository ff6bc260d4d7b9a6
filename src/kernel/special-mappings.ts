/** Frames that the kernel keeps for ever: the page of zeros, and those that exec maps into every program. */
import type { Pfn } from '../hardware/units.ts';
import type { SpecialMapping } from './address-space/vma.ts';
import type { FrameAllocator } from './frames/allocator.ts';
import { type FrameTable, PG_CACHED, PG_RESERVED, PG_UPTODATE } from './frames/frame-table.ts';
import { MIGRATE_UNMOVABLE } from './frames/zone.ts';
import { panic } from './panic.ts';
import type { VdsoImage } from './process/exec.ts';

interface FrameSource {
  readonly allocator: FrameAllocator;
  readonly table: FrameTable;
}

/** Takes a frame at boot that is never given back. */
export function kernelFrame({ allocator, table }: FrameSource, flags: number): Pfn {
  const frame = allocator.allocate(0, MIGRATE_UNMOVABLE);
  if (frame < 0) panic('boot: no frame for the kernel');
  table.flags[frame] = PG_RESERVED | PG_UPTODATE | flags;
  return frame as Pfn;
}

/** [vvar], [vvar_vclock] and [vdso] (arch/x86/entry/vdso/vma.c). */
export function vdsoImage(source: FrameSource): VdsoImage {
  const mapping = (name: string, present: readonly boolean[], counted: boolean): SpecialMapping => ({
    name,
    counted,
    frames: present.map((there) => (there ? kernelFrame(source, PG_CACHED) : undefined)),
  });
  return {
    // Time and random numbers are there; the pages of time namespaces and of the architecture are not.
    vvar: mapping('[vvar]', [true, false, true, false], false),
    // A KVM guest's clock, but not Hyper-V's.
    vvarVclock: mapping('[vvar_vclock]', [true, false], false),
    vdso: mapping('[vdso]', [true, true], true),
  };
}
