/** Which tasks were to be there, and which were. */
export class Ledger {
  /** Slots whose task was there, once each. */
  met = 0;
  readonly violations: string[] = [];
  readonly #due = new Set<string>();
  readonly #ran = new Set<string>();

  /** From now on these tasks may be there. */
  expect(tasks: Iterable<string>): void {
    for (const task of tasks) this.#due.add(task);
  }

  /** A worker ran this one. */
  ran(task: string): void {
    if (this.#ran.has(task)) this.#tell(`fired twice: ${task}`);
    else if (!this.#due.delete(task)) this.#tell(`fired and not due: ${task}`);
    else this.met++;
    this.#ran.add(task);
  }

  /** All that was expected is to have been there by now. */
  demandAll(): void {
    for (const task of this.#due) this.#tell(`not fired: ${task}`);
    this.#due.clear();
  }

  #tell(violation: string): void {
    const sec = Number(violation.slice(violation.lastIndexOf(":") + 1));
    this.violations.push(`${violation} (${new Date(sec * 1000).toISOString()})`);
  }
}
