/** What a benchmark found out: a document for machines, and the table that shows it to people. */
export interface BenchReport {
  readonly document: Readonly<Record<string, unknown>>;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** The table in Markdown, columns aligned. */
export function tableOf({ title, columns, rows }: BenchReport): string {
  const lines = [columns, ...rows].map((cells) => cells.map((cell) => shown(cell)));
  const widths = columns.map((_column, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, index) => (index === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head = [], ...body] = lines;
  return `${title}\n\n${[line(head), rule, ...body.map(line)].join('\n')}\n`;
}

function shown(cell: string | number): string {
  return typeof cell === 'number' ? cell.toLocaleString('en-US', { maximumFractionDigits: 3 }) : cell;
}

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
