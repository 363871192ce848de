package tokenizer

import "unicode/utf8"

// Byte-level vocabularies spell every byte as a printable character, so that a
// vocabulary file is text: the printable bytes of Latin-1 as themselves, the
// other 68 in order as U+0100, U+0101, ...
const mappedEnd = 0x100 + 68

// byteOf[r] is the byte that character r spells, or -1.
var byteOf = func() (t [mappedEnd]int16) {
	other := rune(0x100)
	for i := range t {
		t[i] = -1
	}
	for b := range rune(256) {
		printable := b > 0x20 && b < 0x7F || b > 0xA0 && b != 0xAD
		if printable {
			t[b] = int16(b) //nolint:gosec // below 256
			continue
		}
		t[other] = int16(b) //nolint:gosec // below 256
		other++
	}
	return t
}()

// appendBytes appends the bytes that text spells. If a character spells none,
// the text stands for itself, as it does in added tokens.
func appendBytes(dst []byte, text string) []byte {
	base := len(dst)
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		if r >= mappedEnd || byteOf[r] < 0 {
			return append(dst[:base], text...)
		}
		dst = append(dst, byte(byteOf[r]))
		i += n
	}
	return dst
}
