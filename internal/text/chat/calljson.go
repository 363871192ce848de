package chat

import "strings"

// A jsonSpan finds the end of a JSON value, byte by byte.
type jsonSpan struct {
	depth   int
	quoted  bool
	escaped bool
	begun   bool // something but space was there
}

// byte takes the next byte and reports whether the value is complete with it. A
// number or a word never is: what follows ends it.
func (j *jsonSpan) byte(b byte) (complete bool) {
	switch {
	case j.escaped:
		j.escaped = false
		return false
	case j.quoted:
		j.escaped = b == '\\'
		j.quoted = b != '"'
		return !j.quoted && j.depth == 0
	}
	switch b {
	case '"':
		j.quoted = true
	case '{', '[':
		j.depth++
	case '}', ']':
		j.depth--
	}
	j.begun = j.begun || strings.IndexByte(space, b) < 0
	return (b == '}' || b == ']') && j.depth <= 0
}

// skip returns the mark that is complete first outside of JSON's strings, and
// passes over the text before it; -1 if there is none. keep is how much of the
// end may still become a mark and was not passed.
func (j *jsonSpan) skip(s string, marks []string) (at, which, keep int) {
	for i := range len(s) {
		if !j.quoted {
			for k, m := range marks {
				switch rest := s[i:]; {
				case strings.HasPrefix(rest, m):
					return i, k, 0
				case strings.HasPrefix(m, rest):
					return i, -1, len(rest)
				}
			}
		}
		j.byte(s[i])
	}
	return len(s), -1, 0
}

// firstMark returns where the first of several texts begins, and which one it is,
// or -1; of two at one place the longer. keep is how much of the end of s may still
// become one.
func firstMark(s string, marks []string) (at, which, keep int) {
	at, which = len(s), -1
	for i, m := range marks {
		if j := strings.Index(s, m); j >= 0 && (j < at || j == at && len(m) > len(marks[which])) {
			at, which = j, i
		}
		keep = max(keep, partial(s, m))
	}
	return at, which, keep
}

// appendEscaped appends a part of a text as it stands within a JSON string. The
// text may be cut anywhere.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, '\\', 'n')
		case b == '\t':
			dst = append(dst, '\\', 't')
		case b == '\r':
			dst = append(dst, '\\', 'r')
		case b < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

func escaped(s string) string { return string(appendEscaped(make([]byte, 0, len(s)+8), s)) }
