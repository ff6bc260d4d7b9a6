/** `faultline service`: well-known servers as programs of the machine, and what its memory means for them. */
import { KernelPanic } from '../kernel/oom/kernel-panic.ts';
import { Machine } from '../machine/machine.ts';
import { suggestion } from '../program/scenario/nearest.ts';
import { parseSize } from '../program/scenario/size.ts';
import { type ElasticsearchReport, runElasticsearch } from '../program/services/elasticsearch/elasticsearch.ts';
import { ELASTICSEARCH_DEFAULTS, type ElasticsearchSettings } from '../program/services/elasticsearch/settings.ts';
import { runKafka } from '../program/services/kafka/kafka.ts';
import { KAFKA_DEFAULTS, type KafkaSettings } from '../program/services/kafka/settings.ts';
import { ServiceError } from '../program/services/service-process.ts';
import { SettingError } from '../program/services/setting-error.ts';
import { type Arguments, type OptionTable, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { MACHINE_OPTION_TABLE, MACHINE_OPTIONS_HELP, machineOptions } from './machine-options.ts';
import { bytesText } from './quantity.ts';
import { elasticsearchText, kafkaText } from './service-text.ts';
import { EXIT_OK, UserError } from './user-error.ts';

const GIB = 2 ** 30;
/** Of RAM, for Elasticsearch when none is given: three machines are run, and each is to take a second or two. */
const ELASTICSEARCH_MEMORY = GIB;
/** The index takes this share of RAM: a heap of a quarter leaves room for it, a larger one does not. */
const INDEX_SHARE = 0.75;
const HEAPS = [25, 50, 75];

const size = (bytes: number): string => bytesText(bytes).replace(/\.0+ /, ' ');
const K = KAFKA_DEFAULTS;
const E = ELASTICSEARCH_DEFAULTS;

export const usage = `usage: faultline service kafka|elasticsearch [options] [--json] [machine options]

Runs the memory and file accesses of a server on the simulated machine: what is cached, what is read from the disk, and what
that costs. docs/handbook/services.md tells what is modelled and where the defaults come from.

kafka: producers append, a consumer at the end of the log follows, and one that was away reads from the beginning
  --seconds N        simulated time (${K.seconds})
  --rate SIZE        what is produced a second (${size(K.producedPerSecond)})
  --away N           seconds until the lagging consumer comes back (${K.awaySeconds})
  --catch-up SIZE    what it can take in a second (${size(K.catchUpPerSecond)})
  --consumers N      consumers at the end of the log (${K.tailConsumers})
  --partitions N     num.partitions (${K.partitions})
  --segment SIZE     log.segment.bytes (${size(K.segmentBytes)})
  --batch SIZE       batch.size (${size(K.batchBytes)})
  --message SIZE     of one message (${size(K.messageBytes)})
  --fetch SIZE       max.partition.fetch.bytes (${size(K.fetchBytes)})
  --used-heap SIZE   what the JVM uses of its heap (${size(K.heapBytes)})
  --limit SIZE       memory of the container that the broker runs in, with its page cache (none: all of the machine's)
  --read-ahead SIZE  read_ahead_kb of the log's disk (${size(K.readAheadBytes)})

elasticsearch: searches of an index whose files are mapped, beside a JVM's heap; RAM is 1G unless --memory is given
  --heap PERCENT     of RAM; without it 25, 50 and 75 are run and compared
  --index SIZE       all segments (three quarters of RAM)
  --segments N       how many there are (${E.segments})
  --queries N        searches that are measured (${E.queries})
  --warm-up N        searches before them (${E.warmupQueries})
  --terms N          distinct terms that are searched for (${E.terms})
  --skew X           how much the popular ones are preferred: Zipf's exponent (${E.skew})
  --hits N           documents that are fetched of each search (${E.hits})
  --read-advice A    normal or random: what mappings are told with madvise (${E.readAdvice})
  --seed N           of the searches (${E.seed})

  --json             the report as JSON (docs/handbook/services.md tells the keys)

${MACHINE_OPTIONS_HELP}
example: faultline service kafka --memory 256M
example: faultline service elasticsearch --memory 1G --disk ssd
`;

const KAFKA_OPTIONS: Readonly<Record<string, keyof KafkaSettings>> = {
  seconds: 'seconds',
  rate: 'producedPerSecond',
  away: 'awaySeconds',
  'catch-up': 'catchUpPerSecond',
  consumers: 'tailConsumers',
  partitions: 'partitions',
  segment: 'segmentBytes',
  batch: 'batchBytes',
  message: 'messageBytes',
  fetch: 'fetchBytes',
  'used-heap': 'heapBytes',
  limit: 'limitBytes',
  'read-ahead': 'readAheadBytes',
};

const ELASTICSEARCH_OPTIONS: Readonly<
  Record<string, Exclude<keyof ElasticsearchSettings, 'readAdvice' | 'heapShare'>>
> = {
  index: 'indexBytes',
  segments: 'segments',
  queries: 'queries',
  'warm-up': 'warmupQueries',
  terms: 'terms',
  skew: 'skew',
  hits: 'hits',
  seed: 'seed',
};

const valuesOf = (names: readonly string[]): OptionTable => Object.fromEntries(names.map((name) => [name, 'value']));

const SERVICES: Readonly<Record<string, { options: OptionTable; run: (args: Arguments) => string }>> = {
  kafka: { options: valuesOf(Object.keys(KAFKA_OPTIONS)), run: kafka },
  elasticsearch: {
    options: valuesOf([...Object.keys(ELASTICSEARCH_OPTIONS), 'heap', 'read-advice']),
    run: elasticsearch,
  },
};

export function run(args: readonly string[]): number {
  const names = Object.keys(SERVICES);
  const [name, ...rest] = args;
  if (name === undefined || name.startsWith('-'))
    throw new UserError(`service needs ${names.join(' or ')}; see faultline service --help`);
  const service = Object.hasOwn(SERVICES, name) ? SERVICES[name] : undefined;
  if (service === undefined)
    throw new UserError(`unknown service "${name}"${suggestion(name, names) || `; there are ${names.join(', ')}`}`);
  const parsed = parseArguments(rest, { ...service.options, json: 'flag', ...MACHINE_OPTION_TABLE });
  const [more] = parsed.operands;
  if (more !== undefined) throw new UserError(`service takes one name; "${more}" is one too many`);
  try {
    process.stdout.write(service.run(parsed));
  } catch (error) {
    if (error instanceof SettingError) throw new UserError(`${optionOf(error.setting)} ${error.problem}`);
    if (error instanceof ServiceError || error instanceof KernelPanic) throw new UserError(error.message);
    throw error;
  }
  return EXIT_OK;
}

/** What sets a setting. */
function optionOf(setting: string): string {
  const options = { ...KAFKA_OPTIONS, ...ELASTICSEARCH_OPTIONS };
  const option = Object.entries(options).find(([, name]) => name === setting)?.[0];
  return option === undefined ? setting : `--${option}`;
}

function kafka(args: Arguments): string {
  const settings = numbersOf(args, KAFKA_OPTIONS);
  const report = runKafka(new Machine(machineOptions(args)), { settings });
  return args.has('json') ? `${JSON.stringify(report)}\n` : kafkaText(report);
}

function elasticsearch(args: Arguments): string {
  const options = machineOptions(args, { memory: ELASTICSEARCH_MEMORY });
  const memory = options.memory ?? ELASTICSEARCH_MEMORY;
  const settings = {
    indexBytes: Math.floor(memory * INDEX_SHARE),
    ...numbersOf(args, ELASTICSEARCH_OPTIONS),
    readAdvice: readAdvice(args.value('read-advice') ?? E.readAdvice),
  };
  const runs = heaps(args).map(
    (percent): ElasticsearchReport =>
      runElasticsearch(new Machine(options), { settings: { ...settings, heapShare: percent / 100 } }),
  );
  return args.has('json') ? `${JSON.stringify({ service: 'elasticsearch', runs })}\n` : elasticsearchText(runs);
}

function heaps(args: Arguments): readonly number[] {
  const given = args.value('heap');
  if (given === undefined) return HEAPS;
  const percent = /^\d+(\.\d+)?%?$/.test(given) ? Number.parseFloat(given) : Number.NaN;
  if (!(percent >= 1 && percent <= 90))
    throw new UserError(`--heap ${given}: expected 1 to 90 percent of RAM, as in 50`);
  return [percent];
}

function readAdvice(text: string): ElasticsearchSettings['readAdvice'] {
  if (text !== 'normal' && text !== 'random') throw new UserError(`--read-advice ${text}: expected normal or random`);
  return text;
}

/** The settings that options name, those that were given: sizes with K, M or G, and numbers. */
function numbersOf<Name extends string>(
  args: Arguments,
  options: Readonly<Record<string, Name>>,
): { [name in Name]?: number } {
  const settings: { [name in Name]?: number } = {};
  for (const [option, name] of Object.entries(options)) {
    const text = args.value(option);
    if (text === undefined) continue;
    const value = /^\d+\.\d+$/.test(text) ? Number(text) : parseSize(text);
    if (value === undefined || value < 0) throw new UserError(`--${option} ${text}: expected a number, as in 8 or 64M`);
    settings[name] = value;
  }
  return settings;
}

export const command: Command = { usage, run };
