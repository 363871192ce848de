package talk

import "strings"

// Printable drops what would steer a terminal: a model, or a file's author, must
// not be able to move the cursor, set the title or write to the clipboard of who
// reads the text.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, text)
}
