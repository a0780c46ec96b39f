// Text for pages of the manual.

/** Text for roff: a leading dot or quote would be a request, a backslash an escape. */
export function roff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');
}
