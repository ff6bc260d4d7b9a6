/** systemd-run --scope of systemd 252: a command in a control group of its own. */
import { parseSize } from '../../program/scenario/size.ts';
import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';
import { limitedGroup } from '../limited-group.ts';
import { strerror } from '../strerror.ts';

/** Properties that limit memory; `infinity` is none. */
const PROPERTIES = ['MemoryMax', 'MemoryHigh', 'MemorySwapMax'] as const;
type Property = (typeof PROPERTIES)[number];
const isProperty = (name: string): name is Property => (PROPERTIES as readonly string[]).includes(name);
const NOT_FOUND = 203;

interface Request {
  readonly limits: ReadonlyMap<Property, number | undefined>;
  readonly quiet: boolean;
  readonly command: readonly string[];
}

/** Options end at the first word that is none. */
function parse(args: readonly string[]): Request {
  const limits = new Map<Property, number | undefined>();
  let [quiet, scope] = [false, false];
  const words = [...args];
  for (let word = words[0]; word?.startsWith('-'); word = words[0]) {
    words.shift();
    if (word === '--') break;
    if (word === '--scope') scope = true;
    else if (word === '-q' || word === '--quiet') quiet = true;
    else if (word === '--user' || word === '-t' || word === '--pty') continue;
    else if (word === '-p' || word.startsWith('--property=')) {
      const assignment = word === '-p' ? (words.shift() ?? '') : word.slice('--property='.length);
      const [name = '', value = ''] = assignment.split('=');
      if (!isProperty(name)) throw new UsageError(`Unknown assignment: ${assignment}\n`);
      const bytes = value === 'infinity' ? undefined : parseSize(value);
      if (bytes === undefined && value !== 'infinity') throw new UsageError(`Failed to parse ${name}=${value}\n`);
      limits.set(name, bytes);
    } else throw new UsageError(`systemd-run: unrecognized option '${word}'\n`);
  }
  if (words.length === 0) throw new UsageError('Command line to execute required.\n');
  if (!scope) throw new UsageError('systemd-run: only --scope is modelled here: there is no service manager\n');
  return { limits, quiet, command: words };
}

export function systemdRun(commands: () => ReadonlyMap<string, LinuxCommand>): LinuxCommand {
  return {
    name: 'systemd-run',
    path: '/usr/bin/systemd-run',
    *run({ box, args, input }) {
      const { limits, quiet, command: words } = parse(args);
      const [name = '', ...rest] = words;
      const command = commands().get(name);
      if (command === undefined)
        throw new UsageError(`Failed to find executable ${name}: No such file or directory\n`, NOT_FOUND);
      const { current, cgroupTree } = box.machine.kernel;
      const unit = `run-r${current?.tid ?? 0}.scope`;
      const group = limitedGroup(box, unit, {
        memory: limits.get('MemoryMax'),
        high: limits.get('MemoryHigh'),
        swap: limits.get('MemorySwapMax'),
      });
      if (typeof group === 'number')
        throw new UsageError(`Failed to start transient scope unit: ${strerror(-group)}\n`);
      if (!quiet) yield { err: `Running scope as unit: ${unit}\n` };
      if (current !== undefined) cgroupTree.attach(current.process, group);
      // systemd-run itself becomes the command: it is not there beside it.
      return yield* box.steps(box.child(command, rest, input));
    },
  };
}
