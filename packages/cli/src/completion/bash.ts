import type { CompletionTree, Flags } from "./completion-tree.ts";

/** What bash is told: `source <(asynqjs completion bash)`. */
export function bashCompletion({ places, everywhere }: CompletionTree): string {
  const moves = places.flatMap(({ path, commands }) => commands.map((entry) => `      "${path} ${entry.word}") path="${entry.path}" ;;`));
  const takes = (before: string, { values }: Flags): string[] =>
    values.map(({ flag }) => `      ${before}${flag}${quoteOf(before)}) skip="$word"; before="$word" ;;`);
  const offers = (before: string, { values }: Flags): string[] =>
    values.map(({ flag, choices, isFile }) => {
      const words = isFile ? "-f" : `-W "${choices.join(" ")}"`;
      return `      ${before}${flag}${quoteOf(before)}) COMPREPLY=($(compgen ${words} -- "$cur")); return ;;`;
    });
  const words = places.map(({ path, commands, args, flags }) => {
    const names = [...commands.map(({ word }) => word), ...args].join(" ");
    return `    "${path}") names="${names}"; flags="${flags.map(({ word }) => word).join(" ")}" ;;`;
  });
  return `# Completion of asynqjs for bash. Now: source <(asynqjs completion bash)
# For every shell: asynqjs completion bash > ~/.local/share/bash-completion/completions/asynqjs
_asynqjs() {
  local path="asynqjs" cur="\${COMP_WORDS[COMP_CWORD]}" word before="" skip="" names="" flags="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    before=""
    if [[ -n $skip ]]; then
      # The value of the flag before it, or the sign between them.
      [[ $word == "=" ]] && { before="$skip"; continue; }
      skip=""
      continue
    fi
    case "$path $word" in
${[...moves, ...places.flatMap((place) => takes(`"${place.path} `, place)), ...takes("*\\ ", everywhere)].join("\n")}
    esac
  done
  [[ $cur == "=" ]] && cur=""
  if [[ -n $before ]]; then
    case "$path $before" in
${[...places.flatMap((place) => offers(`"${place.path} `, place)), ...offers("*\\ ", everywhere)].join("\n")}
    esac
  fi
  case "$path" in
${words.join("\n")}
  esac
  flags+=" ${everywhere.flags.map(({ word }) => word).join(" ")}"
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); else COMPREPLY=($(compgen -W "$names" -- "$cur")); fi
}
complete -F _asynqjs asynqjs
`;
}

/** Ends what began with one. */
function quoteOf(before: string): string {
  return before.startsWith('"') ? '"' : "";
}
