/** The page cache by file as people know it: in the layout of fincore, in that of vmtouch, and in one of our own. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { FileCache } from './file-cache.ts';

/** One column of a table: its head, and how wide it becomes when the cells are wider than the head. */
interface Column {
  readonly head: string;
  readonly hint: number;
  readonly cell: (file: FileCache) => string;
}

/** A table as libsmartcols prints it: right-aligned, the file's name behind all columns. */
function tableText(columns: readonly Column[], files: readonly FileCache[]): string[] {
  const padded = columns.map(({ head, hint, cell }) => {
    const cells = files.map(cell);
    const widest = Math.max(...cells.map((text) => text.length));
    const width = widest < head.length ? head.length : Math.max(widest, hint);
    return [head, ...cells].map((text) => text.padStart(width));
  });
  return ['FILE', ...files.map(({ name }) => name)].map((name, row) =>
    [...padded.map((cells) => cells[row]), name].join(' '),
  );
}

/** 64M, 2.9K, 800K: one digit behind the point where there is a rest (size_to_human_string of util-linux). */
export function humanSize(bytes: number): string {
  let unit = 0;
  let whole = 1;
  while (bytes >= whole * 1024 && unit < 6) {
    whole *= 1024;
    unit++;
  }
  const tenths = Math.floor((Math.floor(((bytes % whole) * 1000) / whole) + 50) / 100);
  const units = Math.floor(bytes / whole) + (tenths === 10 ? 1 : 0);
  return `${units}${tenths % 10 === 0 ? '' : `.${tenths}`}${'BKMGTPE'[unit]}`;
}

/** fincore's width of RES and SIZE. */
const SIZE_HINT = 5;
const residentPages = ({ resident }: FileCache): number =>
  resident.reduce((sum, [first, end]) => sum + (end - first), 0);

/** What `fincore FILE...` prints (util-linux 2.38), `inBytes` with -b. */
export function fincoreText(files: readonly FileCache[], inBytes = false): string {
  const size = inBytes ? String : humanSize;
  const columns: Column[] = [
    { head: 'RES', hint: SIZE_HINT, cell: (file) => size(residentPages(file) * PAGE_SIZE) },
    { head: 'PAGES', hint: 1, cell: (file) => String(residentPages(file)) },
    { head: 'SIZE', hint: SIZE_HINT, cell: ({ bytes }) => size(bytes) },
  ];
  return lines(tableText(columns, files));
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

const CHART_WIDTH = 60;

/** vmtouch's picture of a file: `O` all of some pages resident, `o` a part of them, a blank none. */
export function residencyChart({ pages, resident }: FileCache): string {
  const perCharacter = pages <= CHART_WIDTH ? 1 : Math.floor(pages / CHART_WIDTH) + 1;
  const counts = new Array<number>(Math.ceil(pages / perCharacter)).fill(0);
  for (const [first, end] of resident)
    for (let page = first; page < Math.min(end, pages); page++)
      (counts[Math.floor(page / perCharacter)] as number) += 1;
  return counts
    .map((count, i) => (count === 0 ? ' ' : count === Math.min(perCharacter, pages - i * perCharacter) ? 'O' : 'o'))
    .join('');
}

/** vmtouch's sizes are whole: 92K. */
function wholeSize(bytes: number): string {
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit < 4; unit++) size = Math.floor(size / 1024);
  return `${size}${['', 'K', 'M', 'G', 'T'][unit]}`;
}

/** printf's %.3g of a percentage. */
const threeDigits = (percent: number): string => String(Number(percent.toPrecision(3)));

/** What `vmtouch -v FILE...` prints (1.3.1), but for the time that it took. */
export function vmtouchText(files: readonly FileCache[]): string {
  const total = files.reduce((sum, { pages }) => sum + pages, 0);
  const inCore = files.reduce((sum, file) => sum + residentPages(file), 0);
  const sizes = `${wholeSize(inCore * PAGE_SIZE)}/${wholeSize(total * PAGE_SIZE)}`;
  const percent = total === 0 ? '' : `${threeDigits((100 * inCore) / total)}%`;
  const charts = files
    .filter(({ pages }) => pages > 0)
    .flatMap((file) => [file.name, `[${residencyChart(file)}] ${residentPages(file)}/${file.pages}`]);
  return lines([
    ...charts,
    '',
    `           Files: ${files.length}`,
    '     Directories: 0',
    `  Resident Pages: ${inCore}/${total}  ${sizes}  ${percent}`,
  ]);
}

/** All that is known of each file: a row of sizes, and below it who maps it and who pays for it. */
export function fileCacheText(files: readonly FileCache[]): string {
  const amounts = ['cached', 'active', 'inactive', 'dirty', 'writeback', 'mapped'] as const;
  const columns: Column[] = [
    { head: 'SIZE', hint: SIZE_HINT, cell: ({ bytes }) => humanSize(bytes) },
    ...amounts.map((key) => ({
      head: key.toUpperCase(),
      hint: SIZE_HINT,
      cell: (file: FileCache) => humanSize(file[key] * PAGE_SIZE),
    })),
  ];
  const [head = '', ...rows] = tableText(columns, files);
  return lines([head, ...rows.flatMap((row, i) => [row, ...usersText(files[i] as FileCache)])]);
}

function usersText({ mappers, payers }: FileCache): string[] {
  const amount = (pages: number) => humanSize(pages * PAGE_SIZE);
  return [
    ...mappers.map(({ pid, comm, pages }) => `    mapped by ${comm} (${pid}): ${amount(pages)}`),
    ...payers.map(({ cgroup, pages }) => `    charged to ${cgroup}: ${amount(pages)}`),
  ];
}
