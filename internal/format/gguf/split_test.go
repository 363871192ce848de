package gguf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// writeSplit writes a model of four tensors in shards.
func writeSplit(t *testing.T, counts ...int) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	w := NewWriter()
	w.Set("general.architecture", "test")
	w.Align(64)
	for _, name := range []string{"a", "b", "c", "d"} {
		w.Add(name, quant.I8, []uint64{3}, []byte(name+name+name))
	}
	paths, err := w.WriteSplit(dir, "m", counts...)
	if err != nil {
		t.Fatal(err)
	}
	return dir, paths
}

func TestSplitByAnyShard(t *testing.T) {
	f := func(counts ...int) {
		t.Helper()
		_, paths := writeSplit(t, counts...)
		for _, path := range paths {
			x, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if x.Arch() != "test" || !cmp.Equal(x.Paths(), paths) {
				t.Errorf("by %s: architecture %q, paths %v", path, x.Arch(), x.Paths())
			}
			names := ""
			for _, tensor := range x.Tensors() {
				names += tensor.Name
				data, err := x.Data(&tensor)
				if want := strings.Repeat(tensor.Name, 3); err != nil || string(data) != want {
					t.Errorf("tensor %q: %q, %v", tensor.Name, data, err)
				}
			}
			if names != "abcd" {
				t.Errorf("tensors %q", names)
			}
			x.Close()
		}
	}
	f(4)
	f(2, 2)
	f(0, 1, 3)
	f(1, 1, 1, 1)
}

// TestShardAlignment joins a shard aligned to 64 with one that does not say and
// so is aligned to 32.
func TestShardAlignment(t *testing.T) {
	_, paths := writeSplit(t, 2, 2)
	w := NewWriter()
	w.Set("split.no", uint16(1))
	w.Set("split.count", uint16(2))
	w.Add("c", quant.I8, []uint64{3}, []byte("ccc"))
	w.Add("d", quant.I8, []uint64{3}, []byte("ddd"))
	if err := w.WriteFile(paths[1]); err != nil {
		t.Fatal(err)
	}
	f, err := Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, _ := f.Tensor("c")
	d, _ := f.Tensor("d")
	_, atC := c.Offset()
	if shard, at := d.Offset(); shard != 1 || at-atC != 32 {
		t.Errorf("shard %d, offset %d after %d", shard, at, atC)
	}
	if data, err := f.Data(d); string(data) != "ddd" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestBrokenSplits(t *testing.T) {
	f := func(spoil func(dir string, paths []string) string, kind error, want string) {
		t.Helper()
		dir, paths := writeSplit(t, 1, 1, 2)
		path := spoil(dir, paths)
		x, err := Open(path)
		if err == nil {
			x.Close()
		}
		if want = "gguf: " + path + ": " + want; !errors.Is(err, kind) || strings.ReplaceAll(err.Error(), dir, "DIR") != strings.ReplaceAll(want, dir, "DIR") {
			t.Errorf(" got %v\nwant %s", err, want)
		}
	}
	f(func(_ string, p []string) string {
		os.Remove(p[1])
		return p[2]
	}, ErrMissingShard, "split file is incomplete: 1 of 3 shards are missing in DIR: m-00002-of-00003.gguf; download them into the same folder")
	f(func(dir string, p []string) string {
		path := filepath.Join(dir, "model.gguf")
		os.Rename(p[0], path)
		return path
	}, ErrMissingShard, "split file is incomplete: this is shard 1 of 3, and the others are found by name; give all of them back their names, which end in -00001-of-00003.gguf and so on")
	f(func(dir string, p []string) string {
		path := filepath.Join(dir, "m-00002-of-00004.gguf")
		os.Rename(p[1], path)
		return path
	}, ErrMalformed, "malformed file: the file is named shard 2 of 4, but says inside that it is shard 2 of 3")
	f(func(_ string, p []string) string {
		b, _ := os.ReadFile(p[1])
		os.WriteFile(p[2], b, 0o600)
		return p[0]
	}, ErrMalformed, "malformed file: m-00003-of-00003.gguf says inside that it is shard 2 of 3, expected 3 of 3")
	f(func(_ string, p []string) string {
		os.Truncate(p[2], 100)
		return p[0]
	}, ErrTruncated, "shard 3 of 3, m-00003-of-00003.gguf: truncated file: the header promises 2 tensors, which do not fit into the 76 bytes left")
	f(func(_ string, p []string) string {
		w := NewWriter()
		w.Set("split.no", uint16(2))
		w.Set("split.count", uint16(3))
		w.Add("c", quant.I8, []uint64{1}, []byte("c"))
		w.WriteFile(p[2])
		return p[1]
	}, ErrMalformed, "m-00001-of-00003.gguf: malformed file: split.tensors.count is 4, the shards have 3 tensors")
	f(func(_ string, p []string) string {
		w := NewWriter()
		w.Set("split.no", uint16(2))
		w.Set("split.count", uint16(3))
		w.Add("a", quant.I8, []uint64{1}, []byte("a"))
		w.Add("d", quant.I8, []uint64{1}, []byte("d"))
		w.WriteFile(p[2])
		return p[1]
	}, ErrMalformed, `tensors: malformed file: "a" is there twice`)
	f(func(_ string, p []string) string {
		w := NewWriter()
		w.Set("split.no", uint16(3))
		w.Set("split.count", uint16(3))
		w.WriteFile(p[2])
		return p[2]
	}, ErrMalformed, "malformed file: split.no is 3 of split.count 3, expected less")
	f(func(_ string, p []string) string {
		os.WriteFile(p[1], []byte("<html>"), 0o600)
		return p[0]
	}, ErrNotGGUF, "shard 2 of 3, m-00002-of-00003.gguf: not a GGUF file: it is a web page (HTML), often a page that asks to log in or reports an error; download the file itself, not the page that shows it")
}

// TestSplitNameAlone opens a whole model that is merely named like a shard.
func TestSplitNameAlone(t *testing.T) {
	f, err := Open(save(t, t.TempDir(), "m-00001-of-00002.gguf", sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
