/** Where the bytes of a swap area lie, on a machine that keeps contents. A machine without contents never asks. */
export interface SwapBacking {
  /** Keeps a page. @returns false when the device could not */
  write(slot: number, bytes: Uint8Array): boolean;
  /** Fills `into` with the page that was written last. @returns false when none was, and leaves it as it is */
  read(slot: number, into: Uint8Array): boolean;
  /** The slot's bytes are wanted no more. */
  free(slot: number): void;
}

/** Swap that lies nowhere: its pages are kept in the simulator's own memory. */
export function memorySwapBacking(): SwapBacking {
  const pages = new Map<number, Uint8Array>();
  return {
    write: (slot, bytes) => {
      pages.set(slot, bytes.slice());
      return true;
    },
    read: (slot, into) => {
      const bytes = pages.get(slot);
      if (bytes !== undefined) into.set(bytes);
      return bytes !== undefined;
    },
    free: (slot) => {
      pages.delete(slot);
    },
  };
}
