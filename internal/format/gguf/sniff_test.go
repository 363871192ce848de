package gguf

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestNotGGUF(t *testing.T) {
	dir := t.TempDir()
	f := func(name, content, want string) {
		t.Helper()
		path := save(t, dir, name, []byte(content))
		_, err := Open(path)
		if !errors.Is(err, ErrNotGGUF) {
			t.Errorf("%s: %v", name, err)
			return
		}
		if want = "gguf: " + path + ": not a GGUF file: " + want; err.Error() != want {
			t.Errorf(" got %v\nwant %s", err, want)
		}
	}
	f("empty.gguf", "", "the file is empty; download it again")
	f("short.gguf", "GGU", "it has only 3 bytes; download it again")
	f("lfs.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "it is a Git LFS pointer, which stands for the file in a repository; run git lfs pull there, or download the file itself")
	f("page.gguf", "\n<!DOCTYPE html><html><head>", "it is a web page (HTML), often a page that asks to log in or reports an error; download the file itself, not the page that shows it")
	f("page2.gguf", "\ufeff<HTML>", "it is a web page (HTML), often a page that asks to log in or reports an error; download the file itself, not the page that shows it")
	f("denied.gguf", "<?xml version=\"1.0\"?>\n<Error>", "it is XML or HTML, often a server's error message: \"<?xml version=\\\"1.0\\\"?>\"; download it again")
	f("config.json", `{"architectures": ["LlamaForCausalLM"]}`, "it is JSON (a config, an index or a server's error message): \"{\\\"architectures\\\": [\\\"LlamaForCausalLM\\\"]}\"; name the .gguf file")
	f("model.safetensors", "\x40\x00\x00\x00\x00\x00\x00\x00{\"__metadata__\":{}}", "it is a safetensors file; take a GGUF file of this model, or convert it with llama.cpp's convert_hf_to_gguf")
	f("m.gz", "\x1f\x8b\x08\x00", "it is compressed with gzip; unpack it first (gunzip)")
	f("m.zst", "\x28\xb5\x2f\xfd\x00", "it is compressed with zstd; unpack it first (unzstd)")
	f("m.zip", "PK\x03\x04\x14\x00", "it is a zip archive; unpack it first")
	f("pytorch_model.bin", "PK\x03\x04\x14\x00", "it is a PyTorch checkpoint; take a GGUF file of this model, or convert it with llama.cpp's convert_hf_to_gguf")
	f("renamed.gguf", "PK\x03\x04\x00archive/data.pkl", "it is a PyTorch checkpoint; take a GGUF file of this model, or convert it with llama.cpp's convert_hf_to_gguf")
	f("old.pt", "\x80\x02\x8a\nl\xfc", "it is a Python pickle (PyTorch weights); take a GGUF file of this model, or convert it with llama.cpp's convert_hf_to_gguf")
	f("ggml.bin", "tjgg\x03\x00\x00\x00", "it is a GGML file of the time before GGUF; take a GGUF file of this model")
	f("zeros.gguf", strings.Repeat("\x00", 2000), "it begins with zeros, as a download does that reserved its space and did not finish; download it again")
	f("blank.gguf", "   \n\n", "it holds only white space; download it again")
	f("text.gguf", "Entry not found", `it is text: "Entry not found"`)
	f("long.txt", strings.Repeat("é", 600), `it is text: "`+strings.Repeat("é", 60)+`..."`)
	f("noise.gguf", "\x01\x02\xff\xfe\x00\x00\x00\x00\x00", `it begins with the bytes 01 02 ff fe, expected "GGUF"`)
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	f := func(path string, kind error, want string) {
		t.Helper()
		_, err := Open(path)
		if !errors.Is(err, kind) || err.Error() != "gguf: "+path+": "+want {
			t.Errorf(" got %v\nwant gguf: %s: %s", err, path, want)
		}
	}
	f(dir, ErrNotGGUF, "not a GGUF file: it is a folder; it has no .gguf file in it; name the model's file")
	none := filepath.Join(dir, "none.gguf")
	f(none, fs.ErrNotExist, "file does not exist")
	save(t, dir, "none.gguf.part", []byte("GGUF"))
	f(none, fs.ErrNotExist, "file does not exist, but an unfinished download of it, none.gguf.part; let it finish or download it again")
	f(none+".part", ErrTruncated, "header: truncated file: 4 bytes needed at offset 4, 0 left (by its name none.gguf.part is an unfinished download; let it finish or download it again)")
	piece := save(t, dir, "m.gguf.part2of3", []byte("\x01\x02\xff\xfe\x00"))
	f(piece, ErrNotGGUF, `not a GGUF file: it begins with the bytes 01 02 ff fe, expected "GGUF" (by its name m.gguf.part2of3 is one piece of a file that was cut up; join all pieces in order into one .gguf file, as with cat)`)
	other := save(t, dir, "other.gguf", sample(t))
	f(dir, ErrNotGGUF, "not a GGUF file: it is a folder; name the model's file, such as "+other)
}
