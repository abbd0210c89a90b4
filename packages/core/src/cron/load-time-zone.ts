/**
 * The time zone of a name of the IANA database, as Go's `time.LoadLocation` takes it, or why it is none, in Go's words. `""` is UTC; `Local` is
 * whatever the caller's own is. The names are those of the runtime's `Intl`: a zone that only the files of one machine have is unknown here.
 */
export function loadTimeZone(name: string, local?: string): { readonly timeZone: string } | { readonly why: string } {
  if (name === "" || name === "UTC") return { timeZone: "UTC" };
  if (name === "Local" && local !== undefined) return { timeZone: local };
  if (name.includes("..") || name.startsWith("/") || name.startsWith("\\")) return { why: "time: invalid location name" };
  return isKnown(name) ? { timeZone: name } : { why: `unknown time zone ${name}` };
}

/** `Intl` takes names in any case, and offsets such as `+01:00`: Go knows neither. */
function isKnown(name: string): boolean {
  if (known.has(name)) return true;
  if (!/^[A-Z]/.test(name)) return false;
  try {
    const canonical = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
    if (canonical !== name && canonical.toLowerCase() === name.toLowerCase()) return false;
  } catch {
    return false;
  }
  known.add(name);
  return true;
}

/** Those asked for before: looking one up takes longer than reading a spec. */
const known = new Set<string>();
