/** A broken invariant of the simulated kernel: a defect of the simulator, never of its input. */
export class KernelPanic extends Error {
  override name = 'KernelPanic';
}

/** @param message `function: fact`, as the kernel's BUG lines name their place */
export function panic(message: string): never {
  throw new KernelPanic(message);
}
