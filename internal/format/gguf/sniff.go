package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sniff returns nil for the bytes of a GGUF file, and otherwise an error that
// says what they are instead and what to do.
func sniff(name string, b []byte) error {
	if bytes.HasPrefix(b, []byte(magic)) {
		return nil
	}
	if len(b) == 0 {
		return fmt.Errorf("%w: the file is empty; download it again", ErrNotGGUF)
	}
	if len(b) < len(magic) {
		return fmt.Errorf("%w: it has only %d bytes; download it again", ErrNotGGUF, len(b))
	}
	head := b[:min(len(b), 1024)]
	if what := lookAt(name, head); what != "" {
		return fmt.Errorf("%w: %s", ErrNotGGUF, what)
	}
	return fmt.Errorf("%w: it begins with the bytes % x, expected %q", ErrNotGGUF, b[:4], magic)
}

// signatures are byte strings that files of other kinds begin with.
var signatures = []struct{ prefix, what string }{
	{"version https://git-lfs.github.com/spec/", "it is a Git LFS pointer, which stands for the file in a repository; run git lfs pull there, or download the file itself"},
	{"\x1f\x8b", "it is compressed with gzip; unpack it first (gunzip)"},
	{"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it first (unzstd)"},
	{"\xfd7zXZ\x00", "it is compressed with xz; unpack it first (unxz)"},
	{"BZh", "it is compressed with bzip2; unpack it first (bunzip2)"},
	{"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive; unpack it first"},
	{"Rar!", "it is a RAR archive; unpack it first"},
	{"lmgg", oldGGML},
	{"fmgg", oldGGML},
	{"tjgg", oldGGML},
	{"algg", oldGGML},
	{"%PDF-", "it is a PDF document"},
	{"\x7fELF", "it is a program"},
	{"MZ", "it is a Windows program"},
	{"\x89HDF\r\n", "it is an HDF5 file (Keras weights); " + convert},
}

const (
	convert = "take a GGUF file of this model, or convert it with llama.cpp's convert_hf_to_gguf"
	oldGGML = "it is a GGML file of the time before GGUF; take a GGUF file of this model"
)

func lookAt(name string, head []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.prefix)) {
			return s.what
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return lookAtZip(name, head)
	case head[0] == 0x80 && head[1] >= 2 && head[1] <= 5:
		return "it is a Python pickle (PyTorch weights); " + convert
	case isSafetensors(head):
		return "it is a safetensors file; " + convert
	case len(bytes.Trim(head, "\x00")) == 0:
		return "it begins with zeros, as a download does that reserved its space and did not finish; download it again"
	case isText(head):
		return lookAtText(head)
	}
	return ""
}

// lookAtZip tells PyTorch's checkpoints, which are zip files, from others.
func lookAtZip(name string, head []byte) string {
	name = strings.ToLower(name)
	torch := bytes.Contains(head, []byte("data.pkl"))
	for _, suffix := range []string{".pt", ".pth", ".bin", ".ckpt"} {
		torch = torch || strings.HasSuffix(name, suffix)
	}
	if torch {
		return "it is a PyTorch checkpoint; " + convert
	}
	return "it is a zip archive; unpack it first"
}

// isSafetensors recognises a u64 length and a JSON object of at least that length.
func isSafetensors(head []byte) bool {
	if len(head) < 10 {
		return false
	}
	n := binary.LittleEndian.Uint64(head)
	return n >= 2 && n < 1<<32 && head[8] == '{' && (head[9] == '"' || head[9] == '}' || unicode.IsSpace(rune(head[9])))
}

func lookAtText(head []byte) string {
	text := strings.TrimPrefix(string(head), "\ufeff")
	text = strings.TrimSpace(text)
	low := strings.ToLower(text)
	switch {
	case strings.HasPrefix(low, "<!doctype html") || strings.HasPrefix(low, "<html"):
		return "it is a web page (HTML), often a page that asks to log in or reports an error; download the file itself, not the page that shows it"
	case strings.HasPrefix(low, "<"):
		return "it is XML or HTML, often a server's error message: " + firstLine(text) + "; download it again"
	case strings.HasPrefix(low, "{") || strings.HasPrefix(low, "["):
		return "it is JSON (a config, an index or a server's error message): " + firstLine(text) + "; name the .gguf file"
	case text == "":
		return "it holds only white space; download it again"
	}
	return "it is text: " + firstLine(text)
}

// firstLine quotes the beginning of text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if r := []rune(strings.TrimSpace(line)); len(r) > 60 {
		line = string(r[:60]) + "..."
	}
	return fmt.Sprintf("%q", strings.TrimSpace(line))
}

// isText reports whether head is printable UTF-8, but for a character that its
// end may have cut.
func isText(head []byte) bool {
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n <= 1 && len(head)-i >= utf8.UTFMax {
			return false
		}
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return false
		}
		i += n
	}
	return true
}
