import type { Place } from "./completion-tree.ts";

/** What bash is told: `source <(asynqjs completion bash)`. */
export function bashCompletion(places: readonly Place[]): string {
  const cases = (arms: readonly (readonly [pattern: string, action: string])[], indent: string): string =>
    arms.map(([pattern, action]) => `${indent}${pattern}) ${action} ;;\n`).join("");
  const anyOf = (words: readonly string[]): string => words.map((word) => `"${word}"`).join("|");
  const moves = places.flatMap(({ path, commands }) =>
    commands.map((entry) => [`"${path} ${entry.word}"`, `path="${entry.path}"`] as const),
  );
  const takesValue = places.map(({ path, values }) => values.map(({ flag }) => `${path} ${flag}`)).filter((flags) => flags.length > 0);
  const choices = places.flatMap(({ path, values }) =>
    values.map(({ flag, choices, isFile }) => {
      const words = isFile ? 'COMPREPLY=($(compgen -f -- "$cur"))' : `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur"))`;
      return [`"${path} ${flag}"`, `${words}; return`] as const;
    }),
  );
  const words = places.map(({ path, commands, args, flags }) => {
    const names = [...commands.map(({ word }) => word), ...args].join(" ");
    const flagNames = flags.map(({ word }) => word).join(" ");
    return [`"${path}"`, `names="${names}"; flags="${flagNames}"`] as const;
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
${cases(moves, "      ")}${takesValue.map((flags) => `      ${anyOf(flags)}) skip="$word"; before="$word" ;;\n`).join("")}    esac
  done
  [[ $cur == "=" ]] && cur=""
  if [[ -n $before ]]; then
    case "$path $before" in
${cases(choices, "      ")}    esac
  fi
  case "$path" in
${cases(words, "    ")}  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); else COMPREPLY=($(compgen -W "$names" -- "$cur")); fi
}
complete -F _asynqjs asynqjs
`;
}
