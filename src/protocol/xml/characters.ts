/** What XML 1.0 text cannot hold, not even as a character reference. */
export const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const NEEDS_CARE = /[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
/** Up to that length a look at the characters one by one is faster than a regular expression. */
const SHORT = 64;

/** Whether XML text can hold it. */
export function isXmlText(text: string): boolean {
  return isOrdinary(text) || !FORBIDDEN.test(text);
}

/** Whether it stands in XML as it is. */
export function isPlainXml(text: string): boolean {
  return isOrdinary(text) || !NEEDS_CARE.test(text);
}

/** Short, and nothing in it that anybody has to look at twice. */
function isOrdinary(text: string): boolean {
  if (text.length > SHORT) return false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x26 || code === 0x3c || code === 0x3e || code >= 0xfffe) return false;
  }
  return true;
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
