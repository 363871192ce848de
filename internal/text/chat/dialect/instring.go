package dialect

import "strings"

// inString follows JSON and knows whether it stands within a string. There a mark
// is no mark: a text that a model writes into an argument may look like a tag.
type inString struct{ quoted, escaped bool }

// pass goes on over a text.
func (j *inString) pass(s string) {
	for i := range len(s) {
		j.byte(s[i])
	}
}

func (j *inString) byte(b byte) {
	switch {
	case j.escaped:
		j.escaped = false
	case j.quoted && b == '\\':
		j.escaped = true
	case b == '"':
		j.quoted = !j.quoted
	}
}

// earliest returns the first mark outside strings, and which one it is, or -1.
func (j inString) earliest(s string, marks []string) (at, which int) {
	for i := range len(s) {
		if !j.quoted {
			for k, m := range marks {
				if strings.HasPrefix(s[i:], m) {
					return i, k
				}
			}
		}
		j.byte(s[i])
	}
	return 0, -1
}
