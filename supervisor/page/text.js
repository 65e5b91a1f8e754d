/** Numbers as people read them. */

/** @param {number} perSecond */
export function rate(perSecond) {
  if (perSecond === 0) return '0';
  if (perSecond < 0.1) return '<0.1';
  if (perSecond < 100) return String(Math.round(perSecond * 10) / 10);
  return count(Math.round(perSecond));
}

/** @param {number} number */
export function count(number) {
  if (number >= 1e9) return `${(number / 1e9).toFixed(1)}G`;
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)}M`;
  return number.toLocaleString('en-US');
}

/**
 * Nothing above the last bucket's bound can be told apart.
 * @param {number | null} ms
 */
export function milliseconds(ms) {
  if (ms === null) return '–';
  if (ms >= 10_000) return '≥10,000';
  return ms < 10 ? String(Math.round(ms * 10) / 10) : count(Math.round(ms));
}

/** @param {number | null} amount */
export function bytes(amount) {
  if (amount === null) return '–';
  if (amount < 1024) return `${Math.round(amount)} B`;
  for (const unit of ['kB', 'MB', 'GB']) {
    amount /= 1024;
    if (amount < 1024 || unit === 'GB') return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
  }
  return '';
}

/** @param {number} seconds */
export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** @param {number | null} share */
export function percent(share) {
  if (share === null) return '–';
  return share > 0 && share < 0.001 ? '<0.1 %' : `${Math.round(share * 1000) / 10} %`;
}

/** @param {string} iso */
export function clockTime(iso) {
  return new Date(iso).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
}
