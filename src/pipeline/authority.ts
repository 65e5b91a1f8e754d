/** Host and port as a Host field or a request target names them (RFC 9110, section 7.2; RFC 3986, section 3.2). */

/** The host in lower case, without its port; null when this is no valid authority. Userinfo is none. */
export function parseAuthority(authority: string): string | null {
  if (authority.charCodeAt(0) === openBracket) return parseLiteral(authority);
  const colon = authority.indexOf(':');
  const end = colon === -1 ? authority.length : colon;
  if (end === 0 || !isPort(authority, colon)) return null;
  let isLower = true;
  for (let i = 0; i < end; i++) {
    const code = authority.charCodeAt(i);
    if (!isHostCharacter(code)) return null;
    if (code >= 65 && code <= 90) isLower = false;
  }
  const host = colon === -1 ? authority : authority.slice(0, colon);
  return isLower ? host : host.toLowerCase();
}

const openBracket = 91;

function parseLiteral(authority: string): string | null {
  const close = authority.indexOf(']');
  if (close < 3) return null;
  for (let i = 1; i < close; i++) {
    const code = authority.charCodeAt(i);
    const lower = code | 32;
    const isHex = (code >= 48 && code <= 57) || (lower >= 97 && lower <= 102);
    if (!isHex && code !== 58 && code !== 46) return null;
  }
  const rest = close + 1;
  if (rest < authority.length && authority.charCodeAt(rest) !== 58) return null;
  if (!isPort(authority, rest === authority.length ? -1 : rest)) return null;
  return authority.slice(0, rest).toLowerCase();
}

/** `colon` -1: no port. An empty port is allowed (RFC 3986, section 3.2.3). */
function isPort(authority: string, colon: number): boolean {
  if (colon === -1) return true;
  let port = 0;
  for (let i = colon + 1; i < authority.length; i++) {
    const digit = authority.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65_535) return false;
  }
  return true;
}

/** Letters, digits, "-", ".", "_" and "~": names in use; percent-escapes and sub-delimiters in a host serve attacks alone. */
function isHostCharacter(code: number): boolean {
  const lower = code | 32;
  if ((lower >= 97 && lower <= 122) || (code >= 48 && code <= 57)) return true;
  return code === 45 || code === 46 || code === 95 || code === 126;
}
