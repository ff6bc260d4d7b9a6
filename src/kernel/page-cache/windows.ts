/** How large a readahead window is (mm/readahead.c); all sizes in pages. */

const nextPowerOfTwo = (n: number): number => (n <= 1 ? 1 : 2 ** (32 - Math.clz32(n - 1)));

/** The first window of a stream whose first read asks for `size` pages (get_init_ra_size). */
export function initialWindow(size: number, max: number): number {
  const rounded = nextPowerOfTwo(size);
  if (rounded <= Math.floor(max / 32)) return rounded * 4;
  if (rounded <= Math.floor(max / 4)) return rounded * 2;
  return max;
}

/** The window after one of `size` pages (get_next_ra_size). */
export function nextWindow(size: number, max: number): number {
  if (size < Math.floor(max / 16)) return 4 * size;
  if (size <= Math.floor(max / 2)) return 2 * size;
  return max;
}

/** Largest window of this request: a single large read may go up to what the device takes at once (ractl_max_pages). */
export const largestWindow = (raPages: number, ioPages: number, request: number): number =>
  request > raPages && ioPages > raPages ? Math.min(request, ioPages) : raPages;

/** Cuts the end of a later window down to a multiple of the folio size it aims at, if something is left. */
export function alignedSize(start: number, size: number, order: number, max: number): number {
  const firstSetBit = max === 0 ? 0 : 32 - Math.clz32(max & -max);
  const align = 2 ** Math.min(order, firstSetBit - 1);
  const end = Math.floor((start + size) / align) * align;
  return end > start ? end - start : size;
}
