/** Numbers for narrow columns. */

export function rate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.1) return '<0.1';
  return perSecond < 100 ? String(Math.round(perSecond * 10) / 10) : count(perSecond);
}

export function count(number: number): string {
  if (number >= 1e9) return `${(number / 1e9).toFixed(1)}G`;
  return number >= 1e6 ? `${(number / 1e6).toFixed(1)}M` : String(Math.round(number));
}

/** What lies above the last bucket can't be told apart. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return '-';
  if (ms >= 10_000) return '>10s';
  return ms < 10 ? String(Math.round(ms * 10) / 10) : String(Math.round(ms));
}

export function percent(share: number | null): string {
  return share === null ? '-' : `${Math.round(share * 1000) / 10}%`;
}

export function bytes(amount: number | null): string {
  return amount === null ? '-' : `${Math.round(amount / 2 ** 20)}M`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d${hours % 24}h`;
}
