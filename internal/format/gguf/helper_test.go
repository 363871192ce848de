package gguf

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// raw builds files field by field, so that tests can make them wrong.
type raw struct{ b []byte }

// head begins a file of version 3 with the given counts.
func head(tensors, keys uint64) *raw {
	return (&raw{}).bytes(magic).u32(3).u64(tensors).u64(keys)
}

func (r *raw) bytes(s string) *raw { r.b = append(r.b, s...); return r }
func (r *raw) u8(v uint8) *raw     { r.b = append(r.b, v); return r }
func (r *raw) u32(v uint32) *raw   { r.b = binary.LittleEndian.AppendUint32(r.b, v); return r }
func (r *raw) u64(v uint64) *raw   { r.b = binary.LittleEndian.AppendUint64(r.b, v); return r }
func (r *raw) str(s string) *raw   { return r.u64(uint64(len(s))).bytes(s) }

// key begins a metadata key; its value follows.
func (r *raw) key(name string, t ValueType) *raw { return r.str(name).u32(uint32(t)) }

// info adds a tensor info.
func (r *raw) info(name string, t quant.Type, offset uint64, dims ...uint64) *raw {
	r.str(name).u32(uint32(len(dims)))
	for _, d := range dims {
		r.u64(d)
	}
	return r.u32(uint32(t)).u64(offset)
}

// data pads to 32 bytes and adds n bytes of data.
func (r *raw) data(n int) *raw {
	for len(r.b)%32 != 0 {
		r.b = append(r.b, 0)
	}
	r.b = append(r.b, make([]byte, n)...)
	return r
}

// sample returns a small file with a key of every type and three tensors.
func sample(t testing.TB) []byte {
	t.Helper()
	b, err := sampleWriter().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sampleWriter() *Writer {
	w := NewWriter()
	w.Set("general.architecture", "test")
	for _, kv := range everyType {
		w.Set(kv.key, kv.value)
	}
	w.Add("a", quant.F32, []uint64{3, 2}, []byte("012345678901234567890123"))
	w.Add("b", quant.Q8_0, []uint64{32}, make([]byte, 34))
	w.Add("c", 139, []uint64{256, 4}, []byte("foreign"))
	return w
}

var everyType = []struct {
	key   string
	value any
}{
	{"t.u8", uint8(200)},
	{"t.i8", int8(-100)},
	{"t.u16", uint16(60000)},
	{"t.i16", int16(-30000)},
	{"t.u32", uint32(4e9)},
	{"t.i32", int32(-2e9)},
	{"t.u64", uint64(1) << 63},
	{"t.i64", int64(-1) << 63},
	{"t.f32", float32(0.5)},
	{"t.f64", -1e300},
	{"t.bool", true},
	{"t.string", "Grüße\x00\xff"},
	{"t.empty", ""},
	{"a.u8", []uint8{1, 255}},
	{"a.i8", []int8{-1, 1}},
	{"a.u16", []uint16{1, 65535}},
	{"a.i16", []int16{-1, 1}},
	{"a.u32", []uint32{7}},
	{"a.i32", []int32{-7, 7}},
	{"a.u64", []uint64{1 << 63}},
	{"a.i64", []int64{-1, 1}},
	{"a.f32", []float32{1.5, -2}},
	{"a.f64", []float64{0.1}},
	{"a.bool", []bool{true, false}},
	{"a.string", []string{"one", "", "three"}},
	{"a.none", []string{}},
	{"a.nested", []any{[]int32{1}, []int32{}, []string{"x"}}},
	{"a.deep", []any{[]any{[]uint8{1}}, []any{}}},
}

func save(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
