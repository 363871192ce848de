package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

func TestWriterMistakes(t *testing.T) {
	f := func(mistake func(w *Writer), want string) {
		t.Helper()
		w := NewWriter()
		w.Set("k", "v")
		w.Add("w", quant.I8, []uint64{1}, []byte{1})
		mistake(w)
		w.Set("later", 1) // a second mistake, which does not matter
		b, err := w.Bytes()
		if err == nil || err.Error() != want || len(b) != 0 {
			t.Errorf(" got %v, %d bytes\nwant %s", err, len(b), want)
		}
	}
	f(func(w *Writer) { w.Set("n", 1) }, `gguf: metadata key "n": a value of Go type int cannot be written`)
	f(func(w *Writer) { w.Set("n", []any{int32(1), "x"}) }, `gguf: metadata key "n": element 1: an array of i32 values cannot hold a string`)
	f(func(w *Writer) { w.Set("k", "again") }, `gguf: "k" is added twice`)
	f(func(w *Writer) { w.Set("", "x") }, `gguf: name "": malformed file: name of 0 bytes, expected 1 to 65535`)
	f(func(w *Writer) { w.Add("w", quant.I8, []uint64{1}, []byte{1}) }, `gguf: "w" is added twice`)
	f(func(w *Writer) { w.Add("x", quant.F32, []uint64{2}, []byte{1}) }, `gguf: tensor "x": 1 bytes, F32 of dimensions [2] has 8`)
	f(func(w *Writer) { w.Add("x", quant.Q4_0, []uint64{2}, nil) }, `gguf: tensor "x": malformed file: rows of 2 elements, Q4_0 needs a multiple of 32`)
	f(func(w *Writer) { w.Add("x", quant.I8, []uint64{1, 1, 1, 1, 1}, []byte{1}) }, `gguf: tensor "x": 5 dimensions, expected at most 4`)
	f(func(w *Writer) { w.Align(12) }, `gguf: alignment 12, expected a power of two from 8 to 16777216`)
	f(func(w *Writer) { w.Version(1) }, `gguf: version 1, expected 2 or 3`)

	w := NewWriter()
	if _, err := w.WriteSplit(t.TempDir(), "m", 1); err == nil {
		t.Error("a split of tensors that are not there was written")
	}
}

// failing is a writer that takes n bytes.
type failing struct{ n int }

var errDisk = errors.New("disk full")

func (f *failing) Write(b []byte) (int, error) {
	if len(b) > f.n {
		return f.n, errDisk
	}
	f.n -= len(b)
	return len(b), nil
}

func TestWriteErrors(t *testing.T) {
	whole := sample(t)
	for n := range whole {
		if m, err := sampleWriter().WriteTo(&failing{n}); !errors.Is(err, errDisk) || m != int64(n) {
			t.Fatalf("%d bytes of room: %d written, %v", n, m, err)
		}
	}
	if m, err := sampleWriter().WriteTo(&failing{len(whole)}); err != nil || m != int64(len(whole)) {
		t.Errorf("%d written, %v", m, err)
	}
}

// TestWriteReadLaw: what is written is read back the same.
func TestWriteReadLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWriter()
		w.Version(rapid.IntRange(2, 3).Draw(t, "version"))
		if rapid.Bool().Draw(t, "aligned") {
			w.Align(8 << rapid.IntRange(0, 7).Draw(t, "align"))
		}
		keys := rapid.MapOfN(rapid.StringMatching(`[a-z.]{1,12}`), rapid.SampledFrom(everyType), 0, 12).Draw(t, "keys")
		for name, kv := range keys {
			w.Set("k."+name, kv.value)
		}
		type tensor struct {
			t    quant.Type
			dims []uint64
			data []byte
		}
		tensors := map[string]tensor{}
		for i := range rapid.IntRange(0, 5).Draw(t, "tensors") {
			x := tensor{t: rapid.SampledFrom(quant.Types()).Draw(t, "type")}
			x.dims = rapid.SliceOfN(rapid.Uint64Range(1, 3), 1, 4).Draw(t, "dims")
			x.dims[0] *= uint64(x.t.BlockElems())
			size, err := sizeOf(x.t, x.dims)
			if err != nil {
				t.Fatal(err)
			}
			x.data = bytes.Repeat([]byte{byte(i + 1)}, int(size))
			name := fmt.Sprintf("blk.%d.weight", i)
			w.Add(name, x.t, x.dims, x.data)
			tensors[name] = x
		}
		b, err := w.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		f, err := OpenBytes("m.gguf", b)
		if err != nil {
			t.Fatal(err)
		}
		for name, kv := range keys {
			if v, ok := f.Value("k." + name); !ok || !cmp.Equal(v, kv.value) {
				t.Errorf("key %q: got %v, want %v", name, v, kv.value)
			}
		}
		if f.NumTensors() != len(tensors) {
			t.Errorf("%d tensors, want %d", f.NumTensors(), len(tensors))
		}
		for name, want := range tensors {
			x, ok := f.Tensor(name)
			if !ok {
				t.Fatalf("tensor %q is missing", name)
			}
			data, err := f.Data(x)
			if err != nil || x.Type != want.t || !cmp.Equal(x.Dims, want.dims) || !bytes.Equal(data, want.data) {
				t.Errorf("tensor %q: got %+v, %v", name, x, err)
			}
		}
	})
}
