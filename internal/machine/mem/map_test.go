package mem

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestMap(t *testing.T) {
	content := bytes.Repeat([]byte("holdfast"), 5000)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(size int64, want []byte, wantErr bool) {
		t.Helper()
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		b, unmap, err := Map(file, size)
		if (err != nil) != wantErr {
			t.Fatalf("map of %d bytes: %v", size, err)
		}
		file.Close() // the mapping outlives it
		if err != nil {
			return
		}
		if !bytes.Equal(b, want) {
			t.Errorf("map of %d bytes: %d bytes, not the file's", size, len(b))
		}
		if err := unmap(); err != nil {
			t.Error(err)
		}
	}
	f(int64(len(content)), content, false)
	f(4097, content[:4097], false)
	f(0, nil, false)
	f(-1, nil, true)
	f(int64(len(content))+1, nil, true)
}

func TestMapClosedFile(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if _, _, err := Map(file, 1); err == nil {
		t.Error("a closed file was mapped")
	}
}
