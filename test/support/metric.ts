/** Reads one number from an exposition of Prometheus metrics. */

/** The sum over all series of `name` that have these labels (others may be there too); 0 when there is none. */
export async function metric(
  url: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    const series = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (series?.[1] !== name || !hasLabels(series[2] ?? '', labels)) continue;
    sum += Number(series[3]);
  }
  return sum;
}

function hasLabels(text: string, labels: Readonly<Record<string, string>>): boolean {
  const present = new Map([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
  return Object.entries(labels).every(([name, value]) => present.get(name) === value);
}
