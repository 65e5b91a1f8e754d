/** The Date field (RFC 9110, section 6.6.1), put together once a second. */

let second = 0;
let line = '';

/** With its line end. */
export function httpDate(): string {
  const now = Math.floor(Date.now() / 1_000);
  if (now !== second) {
    second = now;
    line = `Date: ${new Date(now * 1_000).toUTCString()}\r\n`;
  }
  return line;
}
