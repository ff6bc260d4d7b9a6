/**
 * CPU seconds of this process so far, all its threads together. Benchmarks count these, not the time on the wall: others may
 * use the machine too. What the garbage collector and the compiler do beside is ours to pay.
 */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
