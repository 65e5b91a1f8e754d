/** Writing to standard output from a command that ends right after. */

/** Resolves when the text is out: what a pipe has not taken up yet would be lost when the process ends. */
export function print(text: string): Promise<void> {
  // A reader that has seen enough ("| head") is no error.
  process.stdout.once('error', () => {});
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}
