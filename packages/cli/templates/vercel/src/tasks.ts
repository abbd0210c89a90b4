/** What is said in each task. Types alone: the functions in `api` import nothing at run time that Vercel would have to compile with them. */
export interface Welcome {
  readonly to: string;
}

export interface Report {
  readonly of: string;
}
