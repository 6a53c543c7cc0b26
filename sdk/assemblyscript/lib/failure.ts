// How a call fails. AssemblyScript has no exceptions: a failure is noted, the first one counts, and when the plugin's function
// returns the host gets its text as the error. What an SDK function returns after it failed is of the right type and harmless,
// so there is no need to look after every step; a function of yours that cannot go on says `return fail("…")`.

let first: string | null = null;

/** Ends the call with an error that says this, once the plugin's function returns. Only the first failure is told. */
export function fail<T = string>(text: string): T | null {
  if (first == null) first = text;
  return null;
}

/** Whether the call has failed. */
export function failed(): bool {
  return first != null;
}

/** The failure's text, or null. */
export function failure(): string | null {
  return first;
}

/** Forgets the failure: a call begins. */
export function begin(): void {
  first = null;
}
