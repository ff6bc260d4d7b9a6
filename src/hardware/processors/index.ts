import type { ProcessorModel } from './processor-model.ts';
import { sapphirerapids } from './sapphirerapids.ts';
import { skylake } from './skylake.ts';
import { textbook } from './textbook.ts';
import { zen3 } from './zen3.ts';
import { zen4 } from './zen4.ts';
import { zen5 } from './zen5.ts';

export type { ProcessorModel } from './processor-model.ts';

/** Every processor model by name. */
export const processors: Readonly<Record<string, ProcessorModel>> = {
  zen3,
  zen4,
  zen5,
  skylake,
  sapphirerapids,
  textbook,
};

/** The model of a name. Throws RangeError that lists the known ones. */
export function processorNamed(name: string): ProcessorModel {
  const model = Object.hasOwn(processors, name) ? processors[name] : undefined;
  if (model === undefined)
    throw new RangeError(`unknown processor '${name}'; known are ${Object.keys(processors).join(', ')}`);
  return model;
}
