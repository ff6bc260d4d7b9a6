import { readFileSync } from 'node:fs';
import { suggestion } from '../program/scenario/nearest.ts';
import type { CommandEntry } from './command.ts';
import { EXIT_DIFFERENT, EXIT_OK, EXIT_USAGE, UserError } from './user-error.ts';

/** Every command. A module is loaded when its command is called, so that `--help` is quick. */
const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  record: { summary: 'record what a real program does to memory', load: () => import('./record.ts') },
  import: { summary: "make a recording of another tool's output", load: () => import('./import.ts') },
  replay: { summary: 'run a recording on the simulated machine', load: () => import('./replay.ts') },
  sweep: { summary: 'replay a recording on a grid of machines, in one table', load: () => import('./sweep.ts') },
  run: { summary: 'run a scenario on the simulated machine', load: () => import('./run.ts') },
  service: {
    summary: 'run a model of Kafka or Elasticsearch on the simulated machine',
    load: () => import('./service.ts'),
  },
  shell: { summary: 'sit down at a machine: free, vmstat, ps, /proc ...', load: () => import('./shell.ts') },
  conform: { summary: 'compare the machine with the real kernel', load: () => import('./conform.ts') },
  advise: {
    summary: 'say whether huge pages would help a recorded program, and how',
    load: () => import('./advise.ts'),
  },
  explain: { summary: 'explain a real OOM report: who was killed, and why', load: () => import('./explain.ts') },
};

const help = (): string => `faultline: a Linux machine's memory, simulated

usage: faultline COMMAND [options]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`)
  .join('\n')}

\`faultline COMMAND --help\` tells the options of a command and shows an example.
Exit codes: 0 done, 1 a difference or failure was found, 2 wrong usage or unusable input.

example: faultline run conformance/scenarios/anon_01_write_touch.txt
`;

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return `faultline ${manifest.version}\n`;
}

/** Runs a command line and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version') {
    process.stdout.write(version());
    return EXIT_OK;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help());
    return EXIT_OK;
  }
  if (name === undefined) {
    process.stderr.write(help());
    return EXIT_USAGE;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    throw new UserError(
      `unknown command "${name}"${suggestion(name, Object.keys(COMMANDS)) || '; see faultline --help'}`,
    );
  }
  const { command } = await entry.load();
  const untilDashes = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (untilDashes.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(command.usage);
    return EXIT_OK;
  }
  return command.run(rest);
}

// A reader that goes away (`faultline run x | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT_OK);
  throw error;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UserError) {
    process.stderr.write(`faultline: ${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  } else {
    // A defect of ours: the stack is what a bug report needs.
    process.stderr.write(`faultline: internal error, please report it\n${(error as Error).stack ?? error}\n`);
    process.exitCode = EXIT_DIFFERENT;
  }
}
