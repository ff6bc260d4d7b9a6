/**
 * Operations whose subsystem the machine does not have yet. They are read and checked as all others, and their answers
 * say what is missing; nothing is made up.
 */
import { machineOperation } from '../operation.ts';

const accepted = (): undefined => undefined;

const missing = (usage: string, what: string) =>
  machineOperation(usage, accepted, (_scene, _none, answer) => {
    answer.unsupported = what;
  });

export const trace = missing('trace SWITCH [EVENTS] [max=] [with=]', 'trace');
