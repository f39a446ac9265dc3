# bash completion for runt, printed by "runt completion bash".

# Words as the program gets them: bash splits at "=" and ":", and leaves quotes and "~".
_runt_words() {
  local line=${COMP_LINE:0:COMP_POINT} word rest i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    rest=${line#"${line%%[![:space:]]*}"}
    if ((i > 0)) && [[ $rest == "$line" && -n $line ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    line=${rest#"$word"}
  done
  for i in "${!words[@]}"; do
    word=${words[i]}
    [[ $word != '~'/* ]] || word=$HOME${word:1}
    word=${word//\\/}
    word=${word//\"/}
    words[i]=${word//\'/}
  done
}

_runt() {
  local words=() reply line typed cut=
  _runt_words
  typed=${words[-1]}
  mapfile -t reply < <("${COMP_WORDS[0]/#~\//$HOME/}" completion words "${words[@]:1}" 2>/dev/null)
  # Readline replaces what follows the last "=" or ":".
  [[ $typed != *[=:]* || $COMP_WORDBREAKS != *[=:]* ]] || cut=${typed%"${typed##*[=:]}"}
  COMPREPLY=()
  for line in "${reply[@]}"; do
    case $line in
    :files) compopt -o default -o bashdefault ;;
    :directories) compopt -o dirnames ;;
    *)
      line=${line%%$'\t'*}
      COMPREPLY+=("${line#"$cut"}")
      ;;
    esac
  done
}

complete -F _runt runt
