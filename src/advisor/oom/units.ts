/** Sizes in words, always with the kB that the kernel prints. */

const STEPS: readonly (readonly [number, string])[] = [
  [1024 ** 3, 'TiB'],
  [1024 ** 2, 'GiB'],
  [1024, 'MiB'],
];

/** `1.5 GiB (1572864 kB)`, or `132 kB`. */
export function kbText(kb: number): string {
  const rounded = Math.round(kb);
  const step = STEPS.find(([size]) => Math.abs(rounded) >= size);
  if (step === undefined) return `${rounded} kB`;
  return `${(rounded / step[0]).toFixed(1)} ${step[1]} (${rounded} kB)`;
}

/** The short form, for tables. */
export function kbShort(kb: number): string {
  return kbText(kb).replace(/ \(.*\)/, '');
}
