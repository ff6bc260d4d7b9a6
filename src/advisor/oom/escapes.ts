/**
 * Undoes what log shippers do to a line: several lines in one (`#012`, `\n`), JSON, Go's or logfmt's quoting, mail's quoted-printable. What
 * is no such line comes back as it is.
 */

/** Where shippers put the text of a log line, best first. */
const MESSAGE_FIELDS = ['MESSAGE', 'message', 'msg', 'log', '_raw', 'text', 'line', 'body'];

/** rsyslog writes control characters as # and three octal digits. */
const OCTAL = /#(01[0-7]|0[34][0-7]|011)/g;
/** logfmt and journalctl -o json-pretty, export, verbose: the message is one field among others. */
const QUOTED_FIELD = /(?:^|[\s,{])"?(?:message|msg|log|text)"?\s*[=:]\s*"((?:[^"\\]|\\.)*)"?/gi;
const EXPORTED_FIELD = /^\s*MESSAGE=(?!")(.*)$/;

/** The lines that one line of a log holds. */
export function unescapeLine(line: string): string[] {
  let text = line;
  if (text.includes('=3D')) text = fromQuotedPrintable(text);
  if (text.includes('#0')) text = text.replace(OCTAL, (_, digits: string) => control(Number.parseInt(digits, 8)));
  const message = text.includes('"') || text.includes('MESSAGE=') ? messageOf(text) : undefined;
  text = message ?? text;
  if (message === undefined && (text.includes('\\n') || text.includes('\\x0a'))) text = unquote(text);
  return text.includes('\n') ? text.split('\n') : [text];
}

const control = (code: number): string => (code === 10 ? '\n' : code === 9 ? '\t' : String.fromCharCode(code));

/** Mail's quoted-printable, by which every = of a report becomes =3D; a = at the end of a line is a soft wrap. */
function fromQuotedPrintable(text: string): string {
  const soft = text.endsWith('=') ? text.slice(0, -1) : text;
  return soft.replace(/=(3D|20|09)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function messageOf(text: string): string | undefined {
  const brace = text.indexOf('{');
  if (brace >= 0) {
    const found = fromJson(text.slice(brace));
    if (found !== undefined) return found;
  }
  const fields = [...text.matchAll(QUOTED_FIELD)].map(([, field]) => unquote(field as string).replace(/\n$/, ''));
  if (fields.length > 0) return fields.join('\n');
  const exported = EXPORTED_FIELD.exec(text)?.[1];
  if (exported !== undefined) return exported;
  const trimmed = text.trim().replace(/,$/, '');
  if (trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"')) return unquote(trimmed.slice(1, -1));
  return undefined;
}

/** The message of a JSON object, journald's arrays of bytes included; undefined for anything else. */
function fromJson(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.slice(0, text.lastIndexOf('}') + 1));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  for (const name of MESSAGE_FIELDS) {
    const field = fields[name];
    if (typeof field === 'string') return withHost(fields, field);
    if (Array.isArray(field)) return withHost(fields, new TextDecoder().decode(Uint8Array.from(field as number[])));
  }
  // An unknown shipper: the longest text is the message.
  const texts = Object.values(fields).filter((field) => typeof field === 'string');
  return texts.sort((a, b) => b.length - a.length)[0];
}

/** Keeps the host that a JSON line names, as syslog would write it, so that reports of two hosts are not mixed. */
function withHost(fields: Record<string, unknown>, message: string): string {
  const host = fields._HOSTNAME ?? fields.hostname ?? fields.host;
  return typeof host === 'string' && !host.includes(' ') ? `Jan  1 00:00:00 ${host} kernel: ${message}` : message;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '', '"': '"', '\\': '\\', '/': '/' };

/** Go's and JSON's escapes; an unknown one stays as it is. */
function unquote(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/g, (whole, u, x, other) => {
    const code = (u ?? x) as string | undefined;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return ESCAPES[other as string] ?? whole;
  });
}
