/**
 * just-bash runs `command &` in front. Before a script runs, its tree is changed so that the box starts the command
 * behind and `$!` is its process: `command &` becomes `LAST_JOB=$(start-job 'command')`, and `$!` becomes `$LAST_JOB`.
 */
import type { BashTransformResult } from 'just-bash';
import { parse, serialize } from 'just-bash';

type Script = BashTransformResult['ast'];
type Statement = Script['statements'][number];

export const START_JOB = 'start-job';
const LAST_JOB = 'LAST_JOB';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The statement without its `&`, as text. */
function textOf(statement: Statement): string {
  return serialize({ type: 'Script', statements: [{ ...statement, background: false }] });
}

function startJob(statement: Statement): Statement {
  const [started] = parse(`${LAST_JOB}=$(${START_JOB} ${quoted(textOf(statement).trim())})`).statements;
  return started ?? statement;
}

/** Any node of the tree: what stands in it is changed in place, for it was parsed for this. */
function renameLastJob(node: unknown): void {
  if (Array.isArray(node)) {
    for (const child of node) renameLastJob(child);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  if ('type' in node && node.type === 'ParameterExpansion' && 'parameter' in node && node.parameter === '!')
    node.parameter = LAST_JOB;
  for (const child of Object.values(node)) renameLastJob(child);
}

export function startsJobs(ast: Script): Script {
  const statements = ast.statements.map((statement) => (statement.background ? startJob(statement) : statement));
  renameLastJob(statements);
  return { ...ast, statements };
}

/** One simple command in front, without pipes and redirections: what it writes goes to the terminal. */
export function isOneCommand({ statements }: Script): boolean {
  const [only, second] = statements;
  if (only === undefined || second !== undefined || only.background || only.pipelines.length !== 1) return false;
  const commands = only.pipelines[0]?.commands ?? [];
  const [command] = commands;
  return commands.length === 1 && command?.type === 'SimpleCommand' && command.redirections.length === 0;
}
