/** What a target is called in logs and metrics: `host:port`, and its base path where it has one. */
export function labelOf(text: string): string {
  const url = new URL(text);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return `${url.hostname}:${port}${url.pathname.replace(/\/$/, '')}`;
}
