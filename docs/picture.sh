#!/usr/bin/env bash
# Makes docs/terminal.png, the README's picture, from a real run: tmux records the terminal, aha turns it into HTML, Chromium draws it.
# Needs: go, tmux, aha, chromium. usage: bash docs/picture.sh
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"; tmux kill-session -t picture 2>/dev/null || true' EXIT
CGO_ENABLED=0 go build -o "$dir/holdfast" ./cmd/holdfast
tmux new-session -d -s picture -x 100 -y 38 "env PATH=$dir:\$PATH PS1='$ ' TERM=xterm-256color bash --norc"
tmux send-keys -t picture 'clear' Enter
sleep 1
tmux send-keys -t picture 'holdfast run --seed 7 --temperature 0 --max-tokens 110 --verbose "Why is the sea salty?"' Enter
sleep 14
tmux send-keys -t picture 'holdfast inspect starter | head -10' Enter
sleep 3
tmux capture-pane -e -p -t picture >"$dir/screen.txt"
{
  printf '<body style="margin:0;background:#10141a"><div style="padding:18px 22px;font:15px/1.35 monospace;color:#d8dee9;white-space:pre">'
  aha --no-header --black <"$dir/screen.txt"
  printf '</div></body>'
} >"$dir/screen.html"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=980,800 --screenshot="$dir/terminal.png" "file://$dir/screen.html" >/dev/null 2>&1
cp "$dir/terminal.png" docs/terminal.png
