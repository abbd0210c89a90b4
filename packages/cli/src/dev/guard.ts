import { spawn } from "node:child_process";
import { once } from "node:events";

/** Ends what runs for us when we end in a way that leaves us no time to: killed, crashed, the terminal torn away. */
export interface Guard {
  /** From now on this process group is ended with us; `last` after all that are not. */
  watch(group: number, last?: boolean): void;
  /** It is gone: its number may be another's by now. */
  forget(group: number): void;
  /** Nothing is left to watch: the guard ends. */
  close(): Promise<void>;
}

/**
 * It reads until the pipe between us is closed, which it is however we end. Then what is left is asked to end, has ten seconds, and is
 * killed; what others need to end well, the Redis, goes last.
 */
const script = `
without() { rest=; for g in $1; do [ "$g" = "$2" ] || rest="$rest $g"; done; }
any() { for g in $1; do kill -0 -- "-$g" 2>/dev/null && return 0; done; return 1; }
end() {
  for g in $1; do kill -s TERM -- "-$g" 2>/dev/null; done
  n=0
  while [ $n -lt 100 ] && any "$1"; do sleep 0.1; n=$((n + 1)); done
  for g in $1; do kill -s KILL -- "-$g" 2>/dev/null; done
}
first= last=
while read -r verb group; do
  case $verb in
    first) first="$first $group" ;;
    last) last="$last $group" ;;
    forget) without "$first" "$group"; first=$rest; without "$last" "$group"; last=$rest ;;
  esac
done
end "$first"
end "$last"
`;

/** Starts a guard: a shell in a session of its own, so that a Ctrl-C does not reach it. */
export function openGuard(): Guard {
  const shell = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  const gone = once(shell, "exit").catch(() => {});
  const pipe = shell.stdin!;
  // Were it killed, we would only be without a guard.
  pipe.on("error", () => {});
  const tell = (verb: string, group: number): void => void pipe.write(`${verb} ${group}\n`);
  return {
    watch: (group, last = false) => tell(last ? "last" : "first", group),
    forget: (group) => tell("forget", group),
    async close() {
      pipe.end();
      await gone;
    },
  };
}
