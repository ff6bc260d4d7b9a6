import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';
import { runContainer } from '../docker/run.ts';
import { inspect, list, stats } from '../docker/views.ts';

/** docker run, ps, stats and inspect, as far as memory goes. */
export function docker(commands: () => ReadonlyMap<string, LinuxCommand>): LinuxCommand {
  return {
    name: 'docker',
    path: '/usr/bin/docker',
    *run({ box, args, input }) {
      const [verb = '', ...rest] = args;
      if (verb === 'run') return yield* runContainer(box, rest, input, commands());
      if (verb === 'stats') yield { out: stats(box) };
      else if (verb === 'ps') yield { out: list(box, rest.includes('-a') || rest.includes('--all')) };
      else if (verb === 'inspect') yield { out: inspect(box, rest) };
      else throw new UsageError(`docker: '${verb}' is not a docker command here: run, ps, stats and inspect are\n`);
      return 0;
    },
  };
}
