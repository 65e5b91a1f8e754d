/** The two formats of the exposition text, and which of them a client asks for. */

/** `text`: Prometheus' own, for everybody. `openmetrics`: the same numbers with exemplars, for those who ask for it. */
export type ExpositionFormat = 'text' | 'openmetrics';

export const expositionTypes: { readonly [F in ExpositionFormat]: string } = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/**
 * `accept`: the value of Accept (RFC 9110, section 12.5.1), several fields joined by commas; empty: none. OpenMetrics is
 * only for those who name it, in a version that we speak, and like it at least as well as plain text. Who accepts
 * neither gets text all the same: a person with a browser wants to read it.
 */
export function chooseFormat(accept: string): ExpositionFormat {
  let openMetrics = 0;
  const text = { quality: 0, precision: -1 };
  for (const range of accept.split(',')) {
    const { type, version, quality } = readRange(range);
    if (type === 'application/openmetrics-text' && (version === '' || version === '1.0.0')) {
      openMetrics = Math.max(openMetrics, quality);
    }
    const precision = textRanges.indexOf(type);
    if (precision < text.precision || precision < 0) continue;
    text.quality = precision > text.precision ? quality : Math.max(text.quality, quality);
    text.precision = precision;
  }
  return openMetrics > 0 && openMetrics >= text.quality ? 'openmetrics' : 'text';
}

/** What plain text is accepted by; the most precise one decides. */
const textRanges: readonly string[] = ['*/*', 'text/*', 'text/plain'];

interface MediaRange {
  readonly type: string;
  readonly version: string;
  readonly quality: number;
}

function readRange(range: string): MediaRange {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  let version = '';
  let quality = 1;
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name === 'version') version = value.replaceAll('"', '');
    // What is no number is no reason to refuse: as if it had not been said.
    if (name === 'q' && /^[01](\.\d{0,3})?$/.test(value)) quality = Math.min(1, Number(value));
  }
  return { type, version, quality };
}
