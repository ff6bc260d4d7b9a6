import type { Answer } from './answer.ts';
import type { ScenarioProcess } from './scenario-process.ts';
import type { Scene } from './scene.ts';
import type { Words } from './words.ts';

/** A line of a scenario, understood: it can be run, any number of times, on any machine. */
export type MachineStep = (scene: Scene, answer: Answer) => void;
export type ProcessStep = (process: ScenarioProcess, answer: Answer, scene: Scene) => void;

/** One operation of the language. */
export interface Operation<Step> {
  /** Its syntax (usage.ts) and help. */
  readonly usage: string;
  /** @throws {ScenarioError} */
  read(words: Words): Step;
}

/**
 * An operation of a process: how its words are read, and what it does.
 *
 * @param parse gives the arguments that `run` gets
 */
export function processOperation<Args>(
  usage: string,
  parse: (words: Words) => Args,
  run: (process: ScenarioProcess, args: Args, answer: Answer, scene: Scene) => void,
): Operation<ProcessStep> {
  return {
    usage,
    read: (words) => {
      const args = parse(words);
      return (process, answer, scene) => run(process, args, answer, scene);
    },
  };
}

/** An operation of the machine, likewise. */
export function machineOperation<Args>(
  usage: string,
  parse: (words: Words) => Args,
  run: (scene: Scene, args: Args, answer: Answer) => void,
): Operation<MachineStep> {
  return {
    usage,
    read: (words) => {
      const args = parse(words);
      return (scene, answer) => run(scene, args, answer);
    },
  };
}
