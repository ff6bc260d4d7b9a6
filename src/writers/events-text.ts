import type { EventRows } from '../kernel/trace/event-log.ts';
import { type FieldType, TRACEPOINTS, type Tracepoint } from '../kernel/tracepoints.ts';
import type { ByteOutput, EventWriter } from './events.ts';

type Strings = () => readonly string[];

/** A row as a person reads it. */
interface Event {
  readonly time: number;
  readonly cpu: number;
  readonly pid: number;
  /** `system:name`. */
  readonly name: string;
  readonly fields: readonly (readonly [name: string, type: FieldType, value: number | string])[];
}

function* eventsIn(rows: EventRows, strings: readonly string[]): Generator<Event> {
  for (let row = 0; row < rows.count; row++) {
    const { system, name, fields } = TRACEPOINTS[rows.point[row] as number] as Tracepoint;
    yield {
      time: rows.time[row] as number,
      cpu: rows.cpu[row] as number,
      pid: rows.pid[row] as number,
      name: `${system}:${name}`,
      fields: fields.map(({ name: field, type }, column) => {
        const value = (rows.args[column] as Float64Array)[row] as number;
        return [field, type, type === 's' ? (strings[value] ?? '') : value] as const;
      }),
    };
  }
}

/** A line for each event, made by `line`, behind a first line. */
function lineWriter(output: ByteOutput, strings: Strings, first: string, line: (event: Event) => string): EventWriter {
  const encoder = new TextEncoder();
  if (first !== '') output(encoder.encode(`${first}\n`));
  return {
    sink: (rows) => {
      let text = '';
      for (const event of eventsIn(rows, strings())) text += `${line(event)}\n`;
      output(encoder.encode(text));
    },
    end: (lost) => {
      if (lost > 0) output(encoder.encode(`${line({ ...LOST, fields: [['rows', 'd', lost]] })}\n`));
    },
  };
}

/** Stands where the ring was too small, so that no reader takes the file for whole. */
const LOST: Event = { time: 0, cpu: 0, pid: 0, name: 'lost', fields: [] };

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const printed = (type: FieldType, value: number | string): string =>
  type === 'x' && typeof value === 'number' ? `0x${value.toString(16)}` : String(value);

/** One JSON object a line: time in nanoseconds, cpu, common_pid, event, and the event's fields under their own names. */
export const jsonlEventWriter = (output: ByteOutput, strings: Strings): EventWriter =>
  lineWriter(output, strings, '', ({ time, cpu, pid, name, fields }) =>
    JSON.stringify({
      time,
      cpu,
      common_pid: pid,
      event: name,
      ...Object.fromEntries(fields.map(([field, , value]) => [field, value])),
    }),
  );

/** `time_ns,cpu,pid,event,fields`, the last as the kernel's trace prints them: `address=0x7f.. ip=0x0 error_code=0x6`. */
export const csvEventWriter = (output: ByteOutput, strings: Strings): EventWriter =>
  lineWriter(output, strings, 'time_ns,cpu,pid,event,fields', ({ time, cpu, pid, name, fields }) => {
    const text = fields.map(([field, type, value]) => `${field}=${printed(type, value)}`).join(' ');
    return [time, cpu, pid, name, quoted(text)].join(',');
  });
