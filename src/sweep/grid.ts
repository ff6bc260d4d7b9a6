/** The points of a sweep: every combination of the values of its axes. */

/** What is varied, and the values that it takes, as the user wrote them. */
export interface Axis {
  readonly name: string;
  readonly values: readonly string[];
}

/** How many points a grid of these axes has; 1 without any. */
export const gridSize = (axes: readonly Axis[]): number =>
  axes.reduce((points, { values }) => points * values.length, 1);

/** One value of each axis, in the axes' order, for every point; the last axis changes fastest. */
export function gridOf(axes: readonly Axis[]): string[][] {
  return axes.reduce<string[][]>(
    (points, { values }) => points.flatMap((point) => values.map((value) => [...point, value])),
    [[]],
  );
}
