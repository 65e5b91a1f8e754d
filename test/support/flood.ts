/** Many requests at the same moment, each on a connection of its own. */
import http from 'node:http';
import { within } from './deadline.ts';

/** How many answers had each status. Connections are opened first, so that the requests come as close together as they can. */
export async function flood(
  url: string,
  count: number,
  headersOf: (i: number) => Readonly<Record<string, string>> = () => ({}),
): Promise<Map<number, number>> {
  const agent = new http.Agent({ keepAlive: false, maxSockets: count });
  const answers = Array.from({ length: count }, (_, i) => getStatus(url, agent, headersOf(i)));
  const statuses = new Map<number, number>();
  for (const status of await within(Promise.all(answers), `${count} answers`, 60_000)) {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  return statuses;
}

function getStatus(url: string, agent: http.Agent, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
