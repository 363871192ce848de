package gguf

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// FuzzOpen feeds arbitrary bytes to the reader and, where it accepts them, reads
// everything. Nothing may panic or reach outside the bytes.
func FuzzOpen(f *testing.F) {
	f.Add(sample(f))
	f.Add(head(0, 0).b)
	f.Add(head(1, 1).key("general.alignment", Uint64).u64(8).info("w", quant.Q4_0, 0, 32, 2).data(40).b)
	f.Add(head(2, 0).info("v", 200, 0, 9).info("w", quant.F32, 32, 1).data(64).b)
	f.Add(head(0, 1).key("k", Array).u32(uint32(Array)).u64(2).u32(uint32(Bool)).u64(1).u8(1).u32(uint32(String)).u64(1).str("x").b)
	f.Add([]byte("PK\x03\x04data.pkl"))
	f.Add([]byte("<html>"))
	f.Add([]byte("\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":{}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := OpenBytes("m.gguf", slices.Clip(b))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "gguf: m.gguf: ") {
				t.Errorf("error without its place: %v", err)
			}
			return
		}
		defer x.Close()
		readEverything(t, x)
	})
}

func readEverything(t *testing.T, x *File) {
	for _, key := range x.Keys() {
		if v, ok := x.Value(key); !ok || v == nil {
			t.Errorf("key %q has no value", key)
		}
		_, _, _ = x.Uint(key)
		_, _, _ = x.Int(key)
		_, _, _ = x.Float(key)
		_, _, _ = x.Bool(key)
		_, _, _ = x.String(key)
		_, _, _ = x.Strings(key)
		_, _, _ = x.Ints(key)
		_, _, _ = x.Uints(key)
		_, _, _ = x.Floats(key)
		_, _, _ = x.Bools(key)
		_, _, _ = x.UintsPerLayer(key, 3)
		_, _, _ = x.FloatsPerLayer(key, 3)
		_, _, _ = x.BoolsPerLayer(key, 3)
	}
	for _, tensor := range x.Tensors() {
		y, ok := x.Tensor(tensor.Name)
		if !ok {
			t.Fatalf("tensor %q is not found by name", tensor.Name)
		}
		data, err := x.Data(y)
		if (err == nil) != y.Type.Known() || int64(len(data)) != y.Size {
			t.Errorf("tensor %+v: %d bytes, %v", y, len(data), err)
		}
		if err == nil {
			if _, err := x.ReadAt(y, make([]byte, y.Size), 0); err != nil {
				t.Error(err)
			}
		}
	}
}
