/**
 * Lets a command go on whose reader has gone, as `head` does: nobody wants the rest of the answer, but what was started
 * is still to be ended in order.
 */
export function tolerateGoneReader(stream: NodeJS.EventEmitter): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

tolerateGoneReader(process.stdout);

/** The answer of a command: nothing else goes to stdout. */
export function answer(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** One JSON document on stdout. */
export function answerJson(value: unknown): void {
  answer(JSON.stringify(value, null, 2));
}

/** Everything that is said along the way. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Somebody else's text in quotes, cut to so many characters; what could act on a terminal is written as an escape. */
export function quoted(text: string, maxChars: number): string {
  const chars = Array.from(text);
  const cut = chars.length > maxChars ? `${chars.slice(0, maxChars - 1).join('')}…` : text;
  return printable(JSON.stringify(cut));
}

/** Somebody else's text; what could act on a terminal is written as an escape. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
