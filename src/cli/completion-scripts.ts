// The scripts of `completion`: they ask the program what fits ("completion words"), so that they need not change with it.
// Its lines are WORD, or WORD, a tab and a description; ":files" and ":directories" leave the word to the shell.

const bash = `# bash completion for runt, printed by "runt completion bash".

# Words as the program gets them: bash splits at "=" and ":", and leaves quotes and "~".
_runt_words() {
  local line=\${COMP_LINE:0:COMP_POINT} word rest i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    rest=\${line#"\${line%%[![:space:]]*}"}
    if ((i > 0)) && [[ $rest == "$line" && -n $line ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    line=\${rest#"$word"}
  done
  for i in "\${!words[@]}"; do
    word=\${words[i]}
    [[ $word != '~'/* ]] || word=$HOME\${word:1}
    word=\${word//\\\\/}
    word=\${word//\\"/}
    words[i]=\${word//\\'/}
  done
}

_runt() {
  local words=() reply line typed cut=
  _runt_words
  typed=\${words[-1]}
  mapfile -t reply < <("\${COMP_WORDS[0]/#~\\//$HOME/}" completion words "\${words[@]:1}" 2>/dev/null)
  # Readline replaces what follows the last "=" or ":".
  [[ $typed != *[=:]* || $COMP_WORDBREAKS != *[=:]* ]] || cut=\${typed%"\${typed##*[=:]}"}
  COMPREPLY=()
  for line in "\${reply[@]}"; do
    case $line in
    :files) compopt -o default -o bashdefault ;;
    :directories) compopt -o dirnames ;;
    *)
      line=\${line%%$'\\t'*}
      COMPREPLY+=("\${line#"$cut"}")
      ;;
    esac
  done
}

complete -F _runt runt
`

const zsh = `#compdef runt
# zsh completion for runt, printed by "runt completion zsh".

_runt() {
  local -a lines candidates
  local line
  lines=("\${(@f)$("\${(Q)words[1]}" completion words "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  for line in $lines; do
    case $line in
    :files | :directories)
      [[ $PREFIX != -*=* ]] || compset -P '*='
      if [[ $line == :files ]]; then _files; else _directories; fi
      return
      ;;
    *) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${(M)line%%$'\\t'*}:+:\${line#*$'\\t'}}") ;;
    esac
  done
  _describe -t words runt candidates
}

# Loaded as a file of $fpath, or with "source".
if [[ $funcstack[1] == _runt ]]; then _runt "$@"; else compdef _runt runt; fi
`

const fish = `# fish completion for runt, printed by "runt completion fish".

function __runt_words
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    for line in ($program completion words $words "$current" 2>/dev/null)
        switch $line
            case :files :directories
                # The value of "--flag=VALUE" is completed by itself.
                set -l flag (string match -r -- '^-[^=]*=' "$current")
                set -l value (string replace -- "$flag" '' "$current")
                if test $line = :files
                    string replace -r -- '^' "$flag" (__fish_complete_path "$value")
                else
                    string replace -r -- '^' "$flag" (__fish_complete_directories "$value" '')
                end
            case '*'
                printf '%s\\n' $line
        end
    end
end

complete -c runt -f -a '(__runt_words)'
`

export const completionScripts: { readonly [shell in 'bash' | 'zsh' | 'fish']: string } = { bash, zsh, fish }
