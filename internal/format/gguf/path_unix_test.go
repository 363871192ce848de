//go:build unix

package gguf

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestPipe: opening a pipe would wait for a writer for ever.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNotGGUF) {
		t.Error(err)
	}
}

// TestOffsetsPast4GiB reads the end of a file with holes, which takes no room.
func TestOffsetsPast4GiB(t *testing.T) {
	const size = 5<<30 + 3
	b := head(2, 0).info("big", quant.I8, 0, size).info("end", quant.I8, 5<<30+32, 4).data(0).b
	path := save(t, t.TempDir(), "m.gguf", b)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("last"), int64(len(b))+(5<<30)+32); err != nil {
		t.Skip(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end, _ := f.Tensor("end")
	p := make([]byte, 2)
	data, err := f.Data(end)
	if _, rerr := f.ReadAt(end, p, 2); string(data) != "last" || string(p) != "st" || err != nil || rerr != nil {
		t.Errorf("data %q, read %q, %v, %v", data, p, err, rerr)
	}
	if big, _ := f.Tensor("big"); big.Size != size || f.Size() != int64(len(b))+(5<<30)+36 {
		t.Errorf("size %d of %d", big.Size, f.Size())
	}
}
