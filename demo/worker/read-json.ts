/** The request is not what it should be; the text says what was expected. */
class BadRequest extends Error {
  readonly code = "BAD_REQUEST";
}

type Body = Readonly<Record<string, unknown>>;

/** The JSON object that a request carries, 16 KiB at most. @throws {BadRequest} */
export async function readJson(request: Request): Promise<Body> {
  const json = await request.text();
  if (json.length > 16_384) throw new BadRequest("expected at most 16 KiB");
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch {
    throw new BadRequest("expected JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new BadRequest("expected a JSON object");
  return body as Body;
}

/** @throws {BadRequest} */
export function text(body: Body, name: string): string {
  const value = body[name];
  // A line break would end a mail's header.
  if (typeof value !== "string" || !/^[^\r\n]{1,200}$/.test(value)) throw new BadRequest(`${name}: expected one line of text`);
  return value;
}

/** @throws {BadRequest} */
export function email(body: Body, name: string): string {
  const value = text(body, name);
  if (!/^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/.test(value)) throw new BadRequest(`${name}: expected an email address`);
  return value;
}

/** A name without a path, as the pictures have. @throws {BadRequest} */
export function filename(body: Body, name: string): string {
  const value = text(body, name);
  if (!/^\w[\w.-]*$/.test(value)) throw new BadRequest(`${name}: expected the name of a file`);
  return value;
}

interface Range {
  readonly least: number;
  readonly most: number;
}

/** @throws {BadRequest} */
export function wholeNumber(body: Body, name: string, range: Range): number {
  return inRange(body[name], name, range);
}

/** @throws {BadRequest} */
export function integers(body: Body, name: string, { howMany, ...range }: Range & { readonly howMany: number }): number[] {
  const values = body[name];
  if (!Array.isArray(values) || values.length === 0 || values.length > howMany)
    throw new BadRequest(`${name}: expected 1 to ${howMany} numbers`);
  return values.map((value) => inRange(value, name, range));
}

function inRange(value: unknown, name: string, { least, most }: Range): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw new BadRequest(`${name}: expected whole numbers from ${least} to ${most}`);
  return value as number;
}
