/** What XML 1.0 text cannot hold, not even as a character reference. */
export const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** Whether XML text can hold it. */
export function isXmlText(text: string): boolean {
  return !FORBIDDEN.test(text);
}

/** Whether a character reference may name it. */
export function isXmlCodePoint(code: number): boolean {
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && isXmlText(String.fromCodePoint(code));
}

/** Without white space around it, as XML counts white space. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlankCode(text.charCodeAt(start))) start += 1;
  while (end > start && isBlankCode(text.charCodeAt(end - 1))) end -= 1;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isBlankCode(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
