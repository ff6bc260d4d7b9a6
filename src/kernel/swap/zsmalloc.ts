/**
 * How zsmalloc packs compressed pages (mm/zsmalloc.c): objects of one size class lie in zspages of 1 to 8 frames, across
 * their borders. As after a compaction there is at most one zspage of a class that is not full.
 */
import { PAGE_SIZE, type Pfn } from '../../hardware/units.ts';
import { panic } from '../panic.ts';

const LEAST_SIZE = 32;
/** ZS_SIZE_CLASS_DELTA. */
const CLASS_STEP = 16;
/** CONFIG_ZSMALLOC_CHAIN_SIZE. */
const MOST_FRAMES = 8;
/** What every object has in front of it (ZS_HANDLE_SIZE). */
const HANDLE_BYTES = 8;
const CLASSES = (PAGE_SIZE - LEAST_SIZE) / CLASS_STEP + 1;

/** Frames of a zspage of a class: as many as waste least (calculate_zspage_chain_size). */
function framesOfZspage(size: number): number {
  if ((size & (size - 1)) === 0) return 1;
  let best = 1;
  let leastWaste = Number.POSITIVE_INFINITY;
  for (let frames = 1; frames <= MOST_FRAMES; frames++) {
    const waste = (frames * PAGE_SIZE) % size;
    if (waste >= leastWaste) continue;
    leastWaste = waste;
    best = frames;
  }
  return best;
}

interface SizeClass {
  readonly frames: number;
  readonly objects: number;
}

/** Neighbouring classes whose zspages look the same are one (can_merge). Numbered by the size that asks for them. */
const classes: readonly SizeClass[] = Array.from({ length: CLASSES }, (_, i) => {
  const size = LEAST_SIZE + i * CLASS_STEP;
  const frames = framesOfZspage(size);
  return { frames, objects: Math.floor((frames * PAGE_SIZE) / size) };
});

function mergedClass(i: number): number {
  let merged = i;
  while (merged + 1 < CLASSES && isAlike(classes[merged] as SizeClass, classes[merged + 1] as SizeClass)) merged++;
  return merged;
}

const isAlike = (a: SizeClass, b: SizeClass): boolean => a.frames === b.frames && a.objects === b.objects;

/** From this size on an object wastes a frame of its own; who has one stores the page as it is (zs_huge_class_size). */
export const HUGE_CLASS_BYTES: number = (() => {
  for (let i = CLASSES - 1; i >= 0; i--) {
    const { frames, objects } = classes[i] as SizeClass;
    if (frames !== 1 || objects !== 1) return LEAST_SIZE + i * CLASS_STEP - (HANDLE_BYTES - 1);
  }
  return panic('zsmalloc: every class is huge');
})();

/** Where the frames come from. */
export interface FrameSource {
  /** @returns a frame for the driver, or -1 */
  take(): Pfn | -1;
  give(frame: Pfn): void;
}

/** A pool of objects (struct zs_pool). */
export class Zsmalloc {
  readonly #source: FrameSource;
  /** Objects of each class. */
  readonly #objects = new Int32Array(CLASSES);
  /** Frames of each class, the last ones to go first. */
  readonly #frames: Pfn[][] = Array.from({ length: CLASSES }, () => []);
  #frameCount = 0;

  constructor(source: FrameSource) {
    this.#source = source;
  }

  /** Frames that the pool has (zs_get_total_pages). */
  get frames(): number {
    return this.#frameCount;
  }

  /** Makes room for an object. @param bytes from 1 to 4096; @returns false when there is no frame for it */
  allocate(bytes: number): boolean {
    const at = classOf(bytes);
    const { frames, objects } = classes[at] as SizeClass;
    const own = this.#frames[at] as Pfn[];
    if ((this.#objects[at] as number) >= (own.length / frames) * objects) {
      for (let i = 0; i < frames; i++) {
        const frame = this.#source.take();
        if (frame < 0) {
          for (; i > 0; i--) this.#drop(own);
          return false;
        }
        own.push(frame as Pfn);
        this.#frameCount++;
      }
    }
    (this.#objects[at] as number)++;
    return true;
  }

  /** Gives up an object of this size. */
  free(bytes: number): void {
    const at = classOf(bytes);
    const { frames, objects } = classes[at] as SizeClass;
    const own = this.#frames[at] as Pfn[];
    const left = --(this.#objects[at] as number);
    while ((own.length / frames - 1) * objects >= left && own.length > 0)
      for (let i = 0; i < frames; i++) this.#drop(own);
  }

  #drop(own: Pfn[]): void {
    this.#source.give(own.pop() ?? panic('zsmalloc: a class has no frame left'));
    this.#frameCount--;
  }

  save(): ZsmallocState {
    return { objects: this.#objects.slice(), frames: this.#frames.map((own) => Int32Array.from(own)) };
  }

  /** The frames are taken already: the frame table has them so. */
  restore(state: ZsmallocState): void {
    this.#objects.set(state.objects);
    this.#frameCount = 0;
    state.frames.forEach((own, at) => {
      this.#frames[at] = Array.from(own, (frame) => frame as Pfn);
      this.#frameCount += own.length;
    });
  }
}

function classOf(bytes: number): number {
  const size = bytes >= HUGE_CLASS_BYTES ? PAGE_SIZE : bytes + HANDLE_BYTES;
  return mergedClass(Math.max(0, Math.ceil((size - LEAST_SIZE) / CLASS_STEP)));
}

export interface ZsmallocState {
  readonly objects: Int32Array;
  readonly frames: readonly Int32Array[];
}
