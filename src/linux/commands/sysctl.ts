/** sysctl of procps-ng 4.0.2: reads and writes /proc/sys. */
import { EINVAL } from '../../kernel/errno.ts';
import { sysctlNames } from '../../kernel/params.ts';
import { textCommand } from '../command.ts';
import { getopt } from '../getopt.ts';
import { strerror } from '../strerror.ts';

const OPTIONS = {
  all: { short: 'a', long: 'all' },
  values: { short: 'n', long: 'values' },
  write: { short: 'w', long: 'write' },
  quiet: { short: 'q', long: 'quiet' },
  ignore: { short: 'e', long: 'ignore' },
} as const;

export const sysctl = textCommand('sysctl', '/usr/sbin/sysctl', ({ box, args }) => {
  const { given, operands } = getopt('sysctl', args, OPTIONS);
  const { systemFiles } = box.machine.kernel;
  const wanted = given.has('all') ? [...sysctlNames].sort() : operands;
  let [out, err, code] = ['', '', 0];
  const shown = (name: string, value: string) => (given.has('values') ? `${value}\n` : `${name} = ${value}\n`);
  for (const word of wanted) {
    const [typed = '', value] = word.split(/=(.*)/s);
    const name = typed.trim().replaceAll('/', '.');
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    const file = systemFiles.file(path);
    if (file === undefined) {
      if (!given.has('ignore')) err += `sysctl: cannot stat ${path}: No such file or directory\n`;
      code = given.has('ignore') ? code : 255;
      continue;
    }
    const error = value === undefined ? 0 : (file.write?.(value) ?? -EINVAL);
    if (error < 0) {
      err += `sysctl: setting key "${name}": ${strerror(-error)}\n`;
      code = 255;
    } else if (value !== undefined) {
      if (!given.has('quiet')) out += shown(name, value.trim());
    } else {
      const text = file.read?.();
      if (typeof text === 'string') out += shown(name, text.trimEnd());
    }
  }
  return { out, err, code };
});
