/** Reason phrases by status, for heads that the gateway writes itself. */
import { STATUS_CODES } from 'node:http';

export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? 'Unknown';
}
